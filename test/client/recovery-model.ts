import type { WebSocketLike } from "../../lib/client.ts";
import type { SeededRandom } from "../support/random.ts";

interface Kept {
  readonly n: number;
  readonly isForUser: boolean;
}

interface ModelChannel {
  epoch: string;
  /** The messages of this life; the first one has offset 1. */
  messages: Kept[];
  trimmed: number;
  failures: number;
  /** Whether the client has reason to tell that messages are lost. */
  mayLose: boolean;
  /** All numbers that the user is to receive. */
  readonly due: number[];
}

/** Milliseconds that the client waits for an answer. */
export const PATIENCE_MS = 20_000;

interface Ask {
  readonly at: number;
  readonly id: number;
  readonly data: { channel: string; epoch: string; after: number; upTo: number };
}

type Text = Record<string, unknown>;

/** A server that keeps history, and does to a client whatever a line and a store can do. Time is that of the test. */
export class ModelServer {
  readonly random: SeededRandom;
  readonly channels = new Map<string, ModelChannel>();
  isKind = false;
  /** Mistakes of the client. */
  readonly mistakes: string[] = [];
  #socket: ModelSocket | undefined;
  #queue: Text[] = [];
  #asks: Ask[] = [];
  /** Whether the positions of this line are not told. Nothing can be put in order then. */
  #isSilent = false;
  #lives = 0;
  #messages = 0;
  #connections = 0;

  constructor(random: SeededRandom) {
    this.random = random;
    for (const name of ["user", "group:a", "group:b", "group:c", "group:d", "group:e"])
      this.channels.set(name, {
        epoch: `life ${++this.#lives}`,
        messages: [],
        trimmed: 0,
        failures: 0,
        mayLose: false,
        due: [],
      });
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  connect(socket: ModelSocket): void {
    this.#socket = socket;
    socket.readyState = 1;
    socket.onopen?.({} as never);
    this.#isSilent = !this.isKind && this.#connections > 0 && this.random.chance(0.03);
    const channels: Text = {};
    for (const [name, { epoch, messages }] of this.channels)
      channels[name] = { epoch, offset: messages.length };
    if (this.#isSilent) for (const channel of this.channels.values()) channel.mayLose = true;
    else
      this.#send({
        event_type: "session.positions",
        data: { connection: `c${++this.#connections}`, channels },
      });
  }

  hear(text: string): void {
    const { event_type, id, data } = JSON.parse(text);
    if (event_type !== "session.history") return;
    // The client has given up the answers that are too late.
    const isLate = ({ at }: Ask) => Date.now() - at >= PATIENCE_MS;
    for (const late of this.#asks.filter(isLate)) this.#fail(late);
    this.#asks = this.#asks.filter((ask) => !isLate(ask));
    if (this.#asks.length === 4) this.mistakes.push("five at once");
    if (this.#asks.some((ask) => ask.data.channel === data.channel && ask.data.epoch === data.epoch))
      this.mistakes.push(`two requests for ${data.channel}`);
    if (data.was[0] !== `c${this.#connections}` || data.was.length > 10)
      this.mistakes.push(`was ${data.was}`);
    if (data.after >= data.upTo) this.mistakes.push(`asks for nothing: ${text}`);
    this.#asks.push({ at: Date.now(), id, data });
  }

  append(name: string): void {
    const channel = this.channels.get(name) as ModelChannel;
    const kept = { n: ++this.#messages, isForUser: this.isKind || !this.random.chance(0.1) };
    const offset = channel.messages.push(kept);
    if (kept.isForUser) channel.due.push(kept.n);
    if (!this.#socket || (!this.isKind && this.random.chance(0.05))) return;
    const live = kept.isForUser
      ? { event_type: "message", data: { name, n: kept.n }, channel: name, offset }
      : { event_type: "session.passed", data: { channel: name, offset } };
    this.#queue.push(live);
    if (this.#isSilent) return;
    if (this.random.chance(0.05)) this.#queue.push(live);
    const { length } = this.#queue;
    const before = this.#queue[length - 2];
    const isMovable = before?.event_type === "message" || before?.event_type === "session.passed";
    if (isMovable && this.random.chance(0.1)) this.#queue.splice(length - 2, 2, live, before);
  }

  trim(name: string): void {
    const channel = this.channels.get(name) as ModelChannel;
    channel.trimmed = this.random.int(channel.messages.length + 1);
  }

  renew(name: string): void {
    const channel = this.channels.get(name) as ModelChannel;
    Object.assign(channel, { epoch: `life ${++this.#lives}`, messages: [], trimmed: 0, mayLose: true });
    const data = { channel: name, epoch: channel.epoch, offset: 0 };
    if (this.#socket) this.#queue.push({ event_type: "session.lost", data });
  }

  drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#queue = [];
    this.#asks = [];
    for (const channel of this.channels.values()) channel.failures = 0;
    if (socket) socket.readyState = 3;
    socket?.onclose?.({ code: 1006, reason: "" } as never);
  }

  /** Delivers a few of the waiting messages and answers, or all. */
  deliver(count = Infinity): void {
    for (let left = count; left > 0 && (this.#queue.length || this.#asks.length); left--) {
      if (this.#asks.length && (!this.#queue.length || this.random.chance(0.4))) this.#answer();
      else this.#send(this.#queue.shift() as Text);
    }
  }

  #send(message: Text): void {
    this.#socket?.onmessage?.({ data: JSON.stringify(message) } as never);
  }

  #fail({ data }: Ask): void {
    const channel = this.channels.get(data.channel) as ModelChannel;
    if (++channel.failures > 5) channel.mayLose = true;
  }

  #answer(): void {
    const [ask] = this.#asks.splice(this.random.int(this.#asks.length), 1) as [Ask];
    const { id, data } = ask;
    const channel = this.channels.get(data.channel) as ModelChannel;
    const fail = (code: string) => this.#send({ id, status: "error", error: { code, message: code } });
    if (!this.isKind && this.random.chance(0.15)) {
      this.#fail(ask);
      if (this.random.chance(0.3))
        this.#send({
          id,
          status: "success",
          data: { channel: data.channel, messages: [], upTo: data.after },
        });
      else fail("history_failed");
      return;
    }
    if (data.epoch !== channel.epoch || data.after < channel.trimmed) {
      channel.mayLose = true;
      fail("history_lost");
      return;
    }
    channel.failures = 0;
    const upTo = Math.min(data.upTo, data.after + 1 + this.random.int(5));
    const messages = channel.messages
      .slice(data.after, upTo)
      .map(({ n, isForUser }, index) => ({ n, isForUser, offset: data.after + index + 1 }))
      .filter(({ isForUser }) => isForUser)
      .map(({ n, offset }) => ({ event_type: "message", data: { name: data.channel, n }, offset }));
    this.#send({ id, status: "success", data: { channel: data.channel, messages, upTo } });
  }
}

/** A WebSocket to a model, in the same process. */
export class ModelSocket implements WebSocketLike {
  readyState = 0;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly #server: ModelServer;

  constructor(server: ModelServer) {
    this.#server = server;
    setTimeout(() => this.readyState === 0 && server.connect(this), 1);
  }

  send(text: string): void {
    this.#server.hear(text);
  }

  close(): void {
    this.readyState = 3;
  }
}
