import type { WebSocket } from "ws";
import type { WebSocketInbox } from "../support/browser.ts";
import type { WhoAmI } from "./users-device.ts";

export interface Connection {
  ws: WebSocket;
  inbox: WebSocketInbox;
}

/** The answer to a save, or `undefined` if the connection closes first. */
export function savedBy({ ws, inbox }: Connection, label: string): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      ws.off("message", onMessage);
      ws.off("close", done);
      resolve();
    };
    const onMessage = (data: unknown) => {
      if (JSON.parse(String(data)).label === label) done();
    };
    // A connection whose session was replaced is muted, and closed a little later.
    const timer = setTimeout(done, 400);
    if (inbox.closed) done();
    ws.on("message", onMessage);
    ws.on("close", done);
    ws.send(JSON.stringify({ type: "save", label }), () => {});
  });
}

/** The user of a connection, by its own answer. `undefined` if it is closed or muted. */
export async function whoIs({ ws, inbox }: Connection, label: string): Promise<WhoAmI | undefined> {
  ws.send(JSON.stringify({ type: "whoami", label }), () => {});
  // A first ping is answered, then a second is sent. An answer would come before that of the second.
  await pong(ws);
  await pong(ws);
  if (inbox.closed) return undefined;
  return inbox.all.map((text) => JSON.parse(text)).find((answer) => answer.label === label);
}

function pong(ws: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      ws.off("pong", done);
      ws.off("close", done);
      resolve();
    };
    if (ws.readyState !== ws.OPEN) {
      resolve();
      return;
    }
    ws.on("pong", done);
    ws.on("close", done);
    ws.ping();
  });
}
