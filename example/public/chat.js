import { realtimeClient } from "/package/client.js";
import { byId, onClick, onSubmit, showProblem } from "./dom.js";
import { clearLog, explainWaiting, showHistory, showMessage, showRefused, showWaiting } from "./log.js";
import { Outbox } from "./outbox.js";
import { showPeople } from "./people.js";
import { countUnread, makeRooms, ROOMS, showRooms } from "./rooms.js";
import { clearTyping, doneTyping, hideTyping, showTyping, tellTyping } from "./typing.js";

const LINE_TEXTS = { connecting: "Connecting", open: "Connected", waiting: "Offline, trying again" };

let me;
let line;
let outbox;
let current = "lobby";
let mine = [];

/** Connects, and tells by `on.accountChanged()` and `on.ended()` what concerns the rest of the page. */
export function connect(user, on) {
  disconnect();
  me = user;
  const opening = realtimeClient({ url: "/ws", maxReconnectDelayMs: 5000, requestTimeoutMs: 5000 });
  line = opening;
  outbox = new Outbox(opening, ({ key }, reason) => showRefused(idOf(key), reason));
  showLine(opening.state);
  opening.onState((state, { code }) => {
    if (state !== "ended") showLine(state);
    else if (code !== 1000) on.ended();
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

export function disconnect() {
  line?.close();
  line = undefined;
  mine = [];
  showRoom("lobby");
  byId("compose").reset();
}

/** Counts over the WebSocket. */
export function count() {
  return line.request("count.add").catch(({ message }) => showProblem(`Not counted: ${message}.`));
}

const idOf = (key) => `${me}/${key}`;

function showLine(state) {
  byId("line").dataset.state = state;
  byId("line-text").textContent = LINE_TEXTS[state];
  byId("count-web-socket").ariaDisabled = String(state !== "open");
  if (state === "waiting") explainWaiting("Waiting for the connection");
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
  if (!outbox || !line) return;
  for (const { key, text } of outbox.of(room)) showWaiting({ id: idOf(key), from: me, text });
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
  byId("text").value = "";
  byId("text").focus();
  doneTyping();
  if (text === "") return;
  const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
  showWaiting({ id: idOf(key), from: me, text });
  if (line.state !== "open") explainWaiting("Waiting for the connection");
  outbox.add({ room: current, text, key });
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
