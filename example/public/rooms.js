import { byId, fromTemplate } from "./dom.js";

/** Rooms that there are, with what they are about. */
export const ROOMS = {
  lobby: { name: "Lobby", about: "Everybody is here." },
  engines: { name: "Engines", about: "Analytical, difference, and all others." },
  music: { name: "Music", about: "What to listen to while it compiles." },
};

const list = byId("rooms");
const items = new Map();

/** Makes the list; `open(room)` is what its buttons do. */
export function makeRooms(open) {
  for (const [room, { name }] of Object.entries(ROOMS)) {
    const { element, part } = fromTemplate("room-template");
    part(".name").textContent = name;
    part("button").addEventListener("click", () => open(room));
    items.set(room, {
      element,
      button: part("button"),
      mark: part(".mark"),
      unread: 0,
      unsent: 0,
      isMine: false,
    });
    list.append(element);
  }
}

export function showRooms(mine, current) {
  for (const [room, item] of items) {
    item.isMine = mine.includes(room);
    if (room === current) item.unread = 0;
    if (room === current) item.button.setAttribute("aria-current", "page");
    else item.button.removeAttribute("aria-current");
    showMark(item);
  }
  showTitle(current);
}

export function countUnread(room, current) {
  const item = items.get(room);
  item.unread += 1;
  showMark(item);
  showTitle(current);
}

/** What is new to one user is not to another. */
export function clearUnread() {
  for (const item of items.values()) item.unread = 0;
}

/** Marks a room that has messages of one's own which were not sent. */
export function showUnsent(room, unsent) {
  const item = items.get(room);
  item.unsent = unsent;
  showMark(item);
}

function showMark({ mark, unread, unsent, isMine }) {
  const [look, text, label] = unsent
    ? ["mark unsent", "!", `${unsent} not sent`]
    : isMine && unread
      ? ["mark unread", unread, `${unread} new`]
      : [isMine ? "mark" : "mark join", isMine ? "" : "Join", null];
  mark.className = look;
  mark.textContent = text;
  mark.ariaLabel = label;
  mark.role = label && "img";
}

function showTitle(current) {
  const unread = [...items.values()].reduce((sum, item) => sum + item.unread, 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${ROOMS[current].name} · Session chat`;
}
