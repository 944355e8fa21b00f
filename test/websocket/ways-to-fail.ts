import { once } from "node:events";
import { setImmediate as later } from "node:timers/promises";
import type { WebSocket } from "ws";

function thrown(): never {
  throw new Error("broken");
}
const rejected = async (): Promise<never> => thrown();
/** Rejects in a later turn, when the stack is empty. */
const rejectedLater = () => later().then(thrown);
/** A thenable that is not a promise, as some query builders return. */
const thenable = () => ({
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what it is about
  then: (_: unknown, reject: (error: Error) => void) => reject(new Error("broken")),
});

/** Fails when it is awaited, or when `then` is read. */
const throwingThen = () => ({
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what it is about
  then: thrown,
});
const throwingGetter = () => ({
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what it is about
  get then() {
    return thrown();
  },
});
/** Fails at any access. */
const hostile = new Proxy({}, { get: thrown, has: thrown, getPrototypeOf: thrown, ownKeys: thrown });
const rejectedWithHostile = async () => {
  throw hostile;
};
const throwsUnreadable = () => {
  throw Object.defineProperty(new Error("broken"), "code", { get: thrown });
};

type Handler = () => unknown;
const failures: [how: string, fail: Handler, told?: string][] = [
  ["throws", thrown],
  ["rejects", rejected],
  ["rejects later", rejectedLater],
  ["returns a thenable that rejects", thenable],
  ["returns a thenable whose then throws", throwingThen],
  ["returns what has a then that cannot be read", throwingGetter],
  [
    "rejects with what cannot be looked at",
    rejectedWithHostile,
    "A value was thrown that is not an Error and has no text",
  ],
  ["throws an error whose code cannot be read", throwsUnreadable],
];

/** The ways in which a connection calls the app's code when a client sends a message. */
const calls: [way: string, add: (ws: WebSocket, fail: Handler) => unknown][] = [
  ["on", (ws, fail) => ws.on("message", fail)],
  ["once", (ws, fail) => ws.once("message", fail)],
  ["prependListener", (ws, fail) => ws.prependListener("message", fail)],
  ["onmessage", (ws, fail) => Object.assign(ws, { onmessage: fail })],
  ["addEventListener", (ws, fail) => ws.addEventListener("message", fail)],
  ["addEventListener with once", (ws, fail) => ws.addEventListener("message", fail, { once: true })],
  ["handleEvent", (ws, fail) => ws.addEventListener("message", { handleEvent: fail })],
  ["events.once", (ws, fail) => once(ws, "message").then(fail)],
  ["the callback of send", (ws, fail) => ws.on("message", () => ws.send("hello", fail))],
  [
    "the callback of send with options",
    (ws, fail) => ws.on("message", () => ws.send("hi", { binary: true }, fail)),
  ],
  ["the callback of ping", (ws, fail) => ws.on("message", () => ws.ping("", false, fail))],
  [
    "the callback of ping alone",
    (ws, fail) => ws.on("message", () => (ws.ping as (done: Handler) => void)(fail)),
  ],
  ["the callback of pong", (ws, fail) => ws.on("message", () => ws.pong("", false, fail))],
  [
    "the callback of a send after the end",
    (ws, fail) =>
      ws.on("message", () => {
        ws.close(1011, "internal_error");
        ws.send("late", fail);
      }),
  ],
];

/** A way to fail, with a name that fits into a URL and the message of the reported error. */
interface WayToFail {
  how: string;
  told: string;
  add(ws: WebSocket): unknown;
}

export const waysToFail: WayToFail[] = calls.flatMap(([way, add]) =>
  failures.map(([how, fail, told = "broken"]) => ({
    how: `${way} ${how}`,
    told,
    add: (ws) => add(ws, fail),
  })),
);
