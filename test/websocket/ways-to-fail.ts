import { once } from "node:events";
import { setImmediate as later } from "node:timers/promises";
import type { WebSocket } from "ws";

function thrown(): never {
  throw new Error("broken");
}
const rejected = async (): Promise<never> => thrown();
/** Rejects in a later turn, when nobody is on the stack any more. */
const rejectedLater = () => later().then(thrown);
/** Is no promise, but can be waited for, as those of some query builders. */
const thenable = () => ({
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what it is about
  then: (_: unknown, reject: (error: Error) => void) => reject(new Error("broken")),
});

type Handler = () => unknown;
const failures: [how: string, fail: Handler][] = [
  ["throws", thrown],
  ["rejects", rejected],
  ["rejects later", rejectedLater],
  ["returns a thenable that rejects", thenable],
];

/** Ways in which a connection calls what the app has given it, when a client sends a message. */
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

/** All of them, by a name that fits into a URL. */
export const waysToFail: { how: string; add: (ws: WebSocket) => unknown }[] = calls.flatMap(([way, add]) =>
  failures.map(([how, fail]) => ({ how: `${way} ${how}`, add: (ws: WebSocket) => add(ws, fail) })),
);
