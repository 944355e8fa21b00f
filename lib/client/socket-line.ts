import { HEARTBEAT } from "../realtime/messages/protocol.ts";
import type { ClientConfig } from "./client-options.ts";
import type { WebSocketLike } from "./web-socket-like.ts";

/** How a connection ended: `1006` if nobody said why. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Who hears of a line. */
export interface LineHost {
  opened(): void;
  received(message: unknown): void;
  /** Told once, at the end, with for how many milliseconds it was open; not told of a line that was closed from here. */
  lost(closed: Closed, openMs: number): void;
}

type Timer = ReturnType<typeof setTimeout>;

const OPEN = 1;
const NORMAL = 1000;

/** The code of a connection that ended without a close frame (RFC 6455, section 7.1.5). */
export const ABNORMAL = 1006;

/** How late a timer may be, before it is a sign that the page was asleep. */
const LATE_MS = 1000;

const BEAT = JSON.stringify({ event_type: HEARTBEAT, data: {} });

/**
 * One attempt to connect, and the connection that it becomes. One that does not open, or answers no heartbeat, is given
 * up and heard no more, whatever the WebSocket does later: browsers tell of the close of a dead line up to a minute
 * afterwards, when the next one is open.
 */
export class SocketLine {
  readonly #config: ClientConfig;
  readonly #host: LineHost;
  readonly #socket: WebSocketLike;
  /** Runs until it has opened, or until an answer to a heartbeat is here. */
  #deadline: Timer | undefined;
  #beats: Timer | undefined;
  #openedAt: number | undefined;

  /** @throws what the WebSocket class throws. */
  constructor(config: ClientConfig, host: LineHost) {
    this.#config = config;
    this.#host = host;
    const socket: WebSocketLike = new config.WebSocket(config.url);
    this.#socket = socket;
    this.#expect(config.connectTimeoutMs, "connect_timeout");
    socket.onopen = () => this.#open();
    socket.onmessage = ({ data }: { data: unknown }) => {
      this.#heard();
      host.received(data);
    };
    socket.onclose = ({ code, reason }: Closed) => this.#lose({ code, reason });
    // A close follows, which is enough. It stays when the others go: ws's would end the process if nobody listened.
    socket.onerror = () => {};
  }

  /** Whether what is sent now is on its way: not so while it closes. */
  get isOpen(): boolean {
    return this.#socket.readyState === OPEN;
  }

  /** Sends, if it is open, and answers whether it was. @throws what the WebSocket throws. */
  send(text: string): boolean {
    const { isOpen } = this;
    if (isOpen) this.#socket.send(text);
    return isOpen;
  }

  /** Sends what is not the app's, to whom no error of it is told: a line that takes nothing is found dead by the next beat. */
  say(text: string): boolean {
    try {
      return this.send(text);
    } catch {
      return true;
    }
  }

  /** Says that the user is there, and finds out whether the line is alive: anything that is received shows it. */
  beat(): void {
    if (this.say(BEAT)) this.#expect(this.#config.requestTimeoutMs, "no_answer");
  }

  /** Closes, after what was sent. */
  close(): void {
    this.#release();
    this.#socket.close(NORMAL);
  }

  #open(): void {
    const { heartbeatIntervalMs } = this.#config;
    this.#heard();
    this.#openedAt = performance.now();
    if (heartbeatIntervalMs > 0) this.#beats = setInterval(() => this.beat(), heartbeatIntervalMs);
    this.#host.opened();
  }

  #heard(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #expect(withinMs: number, otherwise: string, isSecond = false): void {
    const dueAt = performance.now() + withinMs;
    this.#deadline ??= setTimeout(() => {
      this.#deadline = undefined;
      // After a sleep this runs before what has come in meanwhile: it is heard first. Only once, as the timers of a
      // hidden tab are always late.
      if (!isSecond && performance.now() > dueAt + LATE_MS) this.#expect(withinMs, otherwise, true);
      else this.#giveUp(otherwise);
    }, withinMs);
  }

  #giveUp(reason: string): void {
    const socket = this.#socket;
    this.#release();
    if (socket.terminate) socket.terminate();
    else socket.close();
    this.#lose({ code: ABNORMAL, reason });
  }

  #lose(closed: Closed): void {
    this.#release();
    this.#host.lost(closed, this.#openedAt === undefined ? 0 : performance.now() - this.#openedAt);
  }

  #release(): void {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    this.#heard();
    clearInterval(this.#beats);
  }
}
