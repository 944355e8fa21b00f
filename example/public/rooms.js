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
    items.set(room, { element, button: part("button"), mark: part(".mark"), unread: 0, isMine: false });
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

function showMark({ mark, unread, isMine }) {
  mark.className = unread > 0 ? "mark unread" : "mark";
  mark.textContent = isMine ? unread || "" : "Join";
  mark.ariaLabel = unread > 0 ? `${unread} new` : null;
  mark.role = unread > 0 ? "img" : null;
}

function showTitle(current) {
  const unread = [...items.values()].reduce((sum, item) => sum + item.unread, 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${ROOMS[current].name} · Session chat`;
}
