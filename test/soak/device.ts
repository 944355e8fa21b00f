import { once } from "node:events";
import { WebSocket } from "ws";
import { within } from "../support/within.ts";
import type { Channel } from "./channel.ts";

export interface Figures {
  beats: number;
  beatsAnswered: number;
  opened: number;
  closed: number;
  heard: number;
  /** Acknowledged messages that a steady device did not receive. */
  lost: number;
}

/** The shared state of all devices of a process. */
export interface Household {
  readonly url: string;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly figures: Figures;
  wrong(what: string): void;
}

const answerLimitMs = 60_000;
const HEARTBEAT = JSON.stringify({ event_type: "session.heartbeat", data: {} });

/** A user's device, whose connection sends heartbeats and requests, and receives messages. */
export class Device {
  readonly user: string;
  readonly #household: Household;
  readonly #cookie: string;
  readonly #localAddress: string | undefined;
  readonly #asked = new Map<number, (failure: string | undefined) => void>();
  /** The last number received in each channel. */
  readonly #last = new Map<string, number>();
  #ws: WebSocket | undefined;
  #isMeantToClose = true;
  #ids = 0;

  constructor(user: string, cookie: string, localAddress: string | undefined, household: Household) {
    this.user = user;
    this.#cookie = cookie;
    this.#localAddress = localAddress;
    this.#household = household;
  }

  get isOpen(): boolean {
    return this.#ws?.readyState === WebSocket.OPEN && !this.#isMeantToClose;
  }

  async open(): Promise<void> {
    const ws = new WebSocket(`${this.#household.url}/ws`, {
      headers: { cookie: this.#cookie },
      perMessageDeflate: false,
      handshakeTimeout: answerLimitMs,
      ...(this.#localAddress ? { localAddress: this.#localAddress } : {}),
    });
    this.#ws = ws;
    ws.on("message", (text) => this.#hear(String(text)));
    ws.on("close", (code) => this.#ended(code));
    await once(ws, "open");
    ws.on("error", () => {});
    this.#isMeantToClose = false;
    this.#household.figures.opened++;
  }

  beat(): void {
    if (!this.isOpen) return;
    this.#ws?.send(HEARTBEAT);
    this.#household.figures.beats++;
  }

  /** Resolves once the event is acknowledged. */
  async ask(type: string, data: object): Promise<void> {
    if (!this.isOpen) throw new Error(`${this.user} is not connected`);
    const id = ++this.#ids;
    const answer = new Promise<string | undefined>((resolve) => this.#asked.set(id, resolve));
    this.#ws?.send(JSON.stringify({ event_type: type, data, id }));
    const failure = await within(answer, answerLimitMs, `answer to ${type}`);
    if (failure !== undefined) throw new Error(`${type} was not done: ${failure}`);
  }

  async close(how: "close" | "terminate"): Promise<void> {
    if (!this.isOpen || !this.#ws) return;
    this.#isMeantToClose = true;
    const closed = once(this.#ws, "close");
    this.#ws[how]();
    await within(closed, answerLimitMs, "close");
    this.#household.figures.closed++;
  }

  lastHeard(channel: Channel): number {
    return this.#last.get(channel.name) ?? 0;
  }

  forget(channel: Channel): void {
    this.#last.delete(channel.name);
  }

  #hear(text: string): void {
    const { figures, channels, wrong } = this.#household;
    const { event_type: type, data, id, status } = JSON.parse(text);
    if (type === undefined && id === undefined) figures.beatsAnswered++;
    else if (id !== undefined) {
      this.#asked.get(id)?.(status === "success" ? undefined : text);
      this.#asked.delete(id);
      if (status !== "success") wrong(`an event was answered with ${text}`);
    } else {
      figures.heard++;
      const last = this.#last.get(data.channel) ?? 0;
      const channel = channels.get(data.channel);
      // The sender checks the channels of devices that come and go.
      if (channel && data.n <= last) wrong(`${data.n} came to ${this.user} after ${last} in ${data.channel}`);
      if (channel) figures.lost += channel.acknowledgedBetween(last, data.n);
      this.#last.set(data.channel, data.n);
    }
  }

  #ended(code: number): void {
    if (!this.#isMeantToClose) this.#household.wrong(`a connection of ${this.user} was closed with ${code}`);
    this.#isMeantToClose = true;
    for (const settle of this.#asked.values()) settle(`closed with ${code}`);
    this.#asked.clear();
  }
}
