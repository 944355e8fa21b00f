import { EventEmitter, once } from "node:events";
import { WebSocket } from "ws";
import { within } from "./within.ts";

export interface Closed {
  code: number;
  reason: string;
}

/** All messages that a `ws` client has received since it was made. No message is lost between two calls. */
export class WebSocketInbox {
  /** Every message so far, taken or not. Binary messages are texts too. */
  readonly all: string[] = [];
  /** Undefined while the connection is open. */
  closed: Closed | undefined;

  readonly #changes = new EventEmitter();
  #taken = 0;

  constructor(ws: WebSocket) {
    ws.on("message", (data) => {
      this.all.push(data.toString());
      this.#changes.emit("change");
    });
    ws.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#changes.emit("change");
    });
    // A close follows each error, and tests wait for the close.
    ws.on("error", () => {});
  }

  /** Takes the oldest message that was not taken yet. Rejects when the connection closes without one. */
  async next(withinMs = 15_000): Promise<string> {
    const deadline = Date.now() + withinMs;
    while (this.#taken === this.all.length) {
      if (this.closed) {
        throw new Error(`Closed (${this.closed.code} "${this.closed.reason}") while waiting for a message.`);
      }
      await within(this.#change(), Math.max(deadline - Date.now(), 1), "message");
    }
    return this.all[this.#taken++] as string;
  }

  async nextJson(withinMs?: number): Promise<unknown> {
    return JSON.parse(await this.next(withinMs));
  }

  async untilClosed(withinMs = 15_000): Promise<Closed> {
    const deadline = Date.now() + withinMs;
    while (this.closed === undefined) {
      await within(this.#change(), Math.max(deadline - Date.now(), 1), "close of the connection");
    }
    return this.closed;
  }

  async #change(): Promise<void> {
    await once(this.#changes, "change");
  }
}

const inboxes = new WeakMap<WebSocket, WebSocketInbox>();

/** The inbox of a `ws` client. One made by a `Browser` has it from the start, any other from the first call. */
export function messages(ws: WebSocket): WebSocketInbox {
  let inbox = inboxes.get(ws);
  if (inbox === undefined) {
    if (ws.readyState === WebSocket.CLOSED)
      throw new Error("This connection closed before anyone watched it.");
    inbox = new WebSocketInbox(ws);
    inboxes.set(ws, inbox);
  }
  return inbox;
}

/** Takes the next message from the inbox. */
export function nextMessage(ws: WebSocket, withinMs?: number): Promise<string> {
  return messages(ws).next(withinMs);
}

/** Resolves when the connection is closed, at once if it already is. */
export function closed(ws: WebSocket, withinMs?: number): Promise<Closed> {
  return messages(ws).untilClosed(withinMs);
}
