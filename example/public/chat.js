import { realtimeClient } from "/package/client.js";
import { byId, onClick, onSubmit } from "./dom.js";
import { clearLog, explainWaiting, showHistory, showMessage, showRefused, showWaiting } from "./log.js";
import { Outbox } from "./outbox.js";
import { showPeople, showPeopleAsTheyWere } from "./people.js";
import { clearUnread, countUnread, makeRooms, ROOMS, showRooms, showUnsent } from "./rooms.js";
import { showProblem } from "./toasts.js";
import { clearTyping, doneTyping, hideTyping, showTyping, tellTyping } from "./typing.js";

/** On a small screen only the first word is seen. */
const LINE_TEXTS = {
  connecting: ["Connecting"],
  open: ["Connected"],
  waiting: ["Offline", ", trying again"],
};
/** The session is another user's now. */
const OTHER_USER = 4510;

let me;
let line;
let outbox;
let current = "lobby";
let mine = [];

/** Connects, and tells by `on.accountChanged()`, `lineLost()`, `ended()` and `userChanged()` what concerns the rest of the page. */
export function connect(user, on) {
  disconnect();
  // What somebody had begun to write is nobody else's.
  if (user !== me) byId("compose").reset();
  const room = user === me ? current : "lobby";
  me = user;
  // For this user alone: what the page sends is never sent for another one who has signed in meanwhile.
  const url = `/ws?user=${encodeURIComponent(user)}`;
  const opening = realtimeClient({ url, maxReconnectDelayMs: 5000, requestTimeoutMs: 5000 });
  line = opening;
  outbox = new Outbox(user, opening, refused);
  showLine(opening.state);
  showRoom(outbox.room ?? room);
  opening.onState((state, { code }) => {
    if (state !== "ended") showLine(state);
    else if (code === OTHER_USER) on.userChanged();
    else if (code !== 1000) on.ended();
    if (state === "waiting") on.lineLost();
    if (state === "open") void enter();
  });
  opening.on("account.changed", on.accountChanged);
  opening.on("rooms", ({ rooms }) => showMine(rooms));
  opening.on("people", ({ room, members, here }) => {
    if (room === current) showPeople({ members, here }, me);
  });
  opening.on("typing", ({ room, from }) => {
    if (room === current && from !== me) showTyping(from);
  });
  opening.on("message", (message) => {
    if (message.room !== current) {
      countUnread(message.room, current);
      return;
    }
    hideTyping(message.from);
    showMessage(message, me);
  });
}

/** Shows nothing of the user any more. What was not sent is kept, for the same user. */
export function disconnect() {
  line?.close();
  line = undefined;
  outbox = undefined;
  mine = [];
  clearUnread();
  showRoom(current);
}

/** Counts over the WebSocket. */
export function count() {
  return line.request("count.add").catch(({ message }) => showProblem(`Not counted: ${message}.`));
}

const idOf = (key) => `${me}/${key}`;

function showLine(state) {
  byId("line").dataset.state = state;
  const [word, rest = ""] = LINE_TEXTS[state];
  byId("line-text").replaceChildren(
    word,
    Object.assign(document.createElement("span"), { textContent: rest }),
  );
  byId("count-web-socket").ariaDisabled = String(state !== "open");
  if (state !== "waiting") return;
  explainWaiting("Waiting for the connection");
  showPeopleAsTheyWere(me);
  clearTyping();
}

/** With each connection: first what was missed, then what waits. */
async function enter() {
  await joinRoom();
  outbox?.flush();
}

/** The user's rooms have changed, on this device or another. */
function showMine(rooms) {
  const hasLeft = mine.includes(current) && !rooms.includes(current);
  mine = rooms;
  showRooms(mine, current);
  if (hasLeft) void openRoom("lobby");
}

function showRoom(room) {
  current = room;
  const { name, about } = ROOMS[room];
  byId("room-name").textContent = name;
  byId("room-about").textContent = about;
  byId("text").placeholder = `Message to ${name}`;
  byId("leave-room").hidden = room === "lobby";
  clearLog();
  clearTyping();
  showPeople({ members: [], here: [] });
  showRooms(mine, current);
  for (const message of outbox?.of(room) ?? []) showOwn(message);
  markUnsent();
}

/** Shows a message that is not sent yet, or was refused. */
function showOwn(message) {
  const { key, text, reason } = message;
  showWaiting({ id: idOf(key), from: me, text });
  if (line.state !== "open") explainWaiting("Waiting for the connection");
  if (reason) showReason(message);
}

function refused(message) {
  const { name } = ROOMS[message.room];
  if (message.room === current) showReason(message);
  else showProblem(`A message to ${name} was not sent: ${message.reason}`);
  markUnsent();
}

function showReason(message) {
  showRefused(
    { id: idOf(message.key), reason: message.reason },
    {
      again() {
        outbox.again(message);
        showOwn(message);
        byId("text").focus();
      },
      discard() {
        outbox.discard(message);
        byId("text").focus();
      },
    },
  );
}

function markUnsent() {
  for (const room of Object.keys(ROOMS)) {
    const unsent = room === current ? [] : (outbox?.of(room) ?? []).filter(({ reason }) => reason);
    showUnsent(room, unsent.length);
  }
}

/** Joins the room if that is not done, and loads what is new: also what was missed without a connection. */
async function joinRoom() {
  const room = current;
  try {
    const { messages } = await line.request("room.join", { room });
    if (room === current) showHistory(messages, me);
  } catch (error) {
    // A line that was lost comes back, and loads it again.
    if (error.code !== "closed" && error.code !== "timeout") showProblem(error.message);
  }
}

async function openRoom(room) {
  showRoom(room);
  await joinRoom();
}

makeRooms((room) => {
  if (room === current) return;
  void openRoom(room);
  byId("room-name").focus();
});

onClick("leave-room", async () => {
  await line.request("room.leave", { room: current }).catch(({ message }) => showProblem(message));
  byId("room-name").focus();
});

onSubmit("compose", () => {
  const text = byId("text").value.trim();
  byId("text").focus();
  doneTyping();
  const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
  const message = { room: current, text, key };
  if (text !== "" && !outbox.add(message)) {
    showProblem("Too many messages wait to be sent. This one stays where you have written it.");
    return;
  }
  byId("text").value = "";
  if (text !== "") showOwn(message);
});

byId("text").addEventListener("input", () => {
  if (line.state === "open" && byId("text").value !== "")
    tellTyping(() => line.send("typing", { room: current }));
});

byId("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("compose").requestSubmit();
});
