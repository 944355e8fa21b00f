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

/** Connects, and tells by `on.welcome(session)`, `on.session(session)`, `on.devicesChanged()`, `on.ended()`, what concerns the rest of the page. */
export function connect(session, on) {
  disconnect();
  me = { id: session.user, name: session.name };
  const opening = realtimeClient({ url: "/ws", maxReconnectDelayMs: 5000, requestTimeoutMs: 5000 });
  line = opening;
  outbox = new Outbox(opening, ({ key }, reason) => showRefused(idOf(key), reason));
  showLine(opening.state);
  opening.onState((state, { code }) => {
    if (state !== "ended") showLine(state);
    else if (code !== 1000) on.ended();
  });
  opening.on("welcome", on.welcome);
  opening.on("session.state", on.session);
  opening.on("devices.changed", on.devicesChanged);
  opening.on("rooms", ({ rooms }) => void enter(rooms));
  opening.on("people", ({ room, people }) => {
    if (room === current) showPeople(people, me.id);
  });
  opening.on("typing", ({ room, from, name }) => {
    if (room === current && from !== me.id) showTyping(from, name);
  });
  opening.on("message", (message) => {
    if (message.room !== current) {
      countUnread(message.room, current);
      return;
    }
    hideTyping(message.from);
    showMessage(message, me.id);
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

const idOf = (key) => `${me.id}/${key}`;

function showLine(state) {
  byId("line").dataset.state = state;
  byId("line-text").textContent = LINE_TEXTS[state];
  byId("count-web-socket").ariaDisabled = String(state !== "open");
  if (state === "waiting") explainWaiting("Waiting for the connection");
}

/** Comes with each connection, and whenever the user's rooms have changed: on this device or another. */
async function enter(rooms) {
  mine = rooms;
  if (!mine.includes(current)) showRoom("lobby");
  showRooms(mine, current);
  await loadRoom();
  outbox?.flush();
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
  showPeople([]);
  showRooms(mine, current);
  if (!outbox || !line) return;
  for (const { key, text } of outbox.of(room))
    showWaiting({ id: idOf(key), from: me.id, name: me.name, text });
}

/** Loads what is new, also what was missed while there was no connection. */
async function loadRoom() {
  const room = current;
  try {
    const { messages, people } = await line.request("room.open", { room });
    if (room !== current || !me) return;
    showHistory(messages, me.id);
    showPeople(people, me.id);
  } catch (error) {
    // A line that was lost comes back, and loads it again.
    if (error.code !== "closed" && error.code !== "timeout") showProblem(error.message);
  }
}

async function openRoom(room) {
  showRoom(room);
  byId("room-name").focus();
  if (mine.includes(room)) {
    await loadRoom();
    return;
  }
  // Answered after the event `rooms`, which loads the room on every device that shows it.
  mine = [...mine, room];
  await line.request("room.join", { room }).catch(({ message }) => showProblem(message));
}

makeRooms((room) => {
  if (room !== current) void openRoom(room);
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
  showWaiting({ id: idOf(key), from: me.id, name: me.name, text });
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
