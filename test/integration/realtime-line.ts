import type { WebSocket } from "ws";
import type { Closed, WebSocketInbox } from "../support/web-socket-inbox.ts";
import { within } from "../support/within.ts";
import type { Device } from "./users-device.ts";

export interface Welcome {
  /** The connection's id. */
  readonly id: string;
  /** The groups that were restored. */
  readonly groups: readonly string[];
}

/** The common part of the test messages. */
export interface Message {
  readonly from?: string;
  readonly at?: number;
}

/** The client side of a connection. */
export class RealtimeLine {
  readonly ws: WebSocket;
  readonly inbox: WebSocketInbox;
  /** The data of all received messages. */
  readonly messages: Message[] = [];
  /** Resolves after the `connect` event of the connection. */
  readonly ready: Promise<Welcome>;
  #welcome!: (welcome: Welcome) => void;
  #onMessage: (message: Message) => void = () => {};

  constructor({ ws, inbox }: { ws: WebSocket; inbox: WebSocketInbox }) {
    this.ws = ws;
    this.inbox = inbox;
    this.ready = new Promise((resolve) => {
      this.#welcome = resolve;
    });
    for (const text of inbox.all) this.#take(text);
    ws.on("message", (data) => this.#take(data.toString()));
  }

  /** Calls a function with each later message. */
  onMessage(listener: (message: Message) => void): void {
    this.#onMessage = listener;
  }

  /** Closes, and resolves when the server has closed. */
  close(): Promise<Closed> {
    this.ws.close();
    return this.inbox.untilClosed();
  }

  #take(text: string): void {
    const { event_type: type, data } = JSON.parse(text);
    if (type === "welcome") this.#welcome(data);
    if (type !== "message") return;
    this.messages.push(data);
    this.#onMessage(data);
  }
}

/** Connects a device to a node, and resolves when it is in its groups there. */
export async function openLine(
  device: Device,
  node: number,
): Promise<{ line: RealtimeLine; welcome: Welcome }> {
  const line = new RealtimeLine(await device.connect(node));
  const closed = new Promise<never>((_, reject) => {
    line.ws.once("close", (code) => reject(new Error(`Closed (${code}) before the welcome.`)));
  });
  return { line, welcome: await within(Promise.race([line.ready, closed]), 20_000, "welcome") };
}
