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

/** What a message of a test has; what else it has is the test's. */
export interface Message {
  readonly from?: string;
  readonly at?: number;
}

/** A connection, as its client sees it. */
export class RealtimeLine {
  readonly ws: WebSocket;
  readonly inbox: WebSocketInbox;
  /** The data of all messages so far. */
  readonly messages: Message[] = [];
  /** Resolves once the app was told of the connection. */
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

  /** Calls back with each message from now on. */
  onMessage(listener: (message: Message) => void): void {
    this.#onMessage = listener;
  }

  /** Closes, and resolves once the server has. */
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

/** Connects a device to a node, and resolves once it is in its groups there. */
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
