import { HEARTBEAT } from "../realtime/messages/protocol.ts";
import type { ClientConfig } from "./client-options.ts";
import type { WebSocketLike } from "./web-socket-like.ts";

/** The code and reason of a connection's end. The code is `1006` if neither side gave one. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** The host of a line. The line tells it what happens. */
export interface LineHost {
  opened(): void;
  received(message: unknown): void;
  /**
   * Called once, when the line is lost, with the milliseconds for which it was open. It is not called for a line that
   * this side has closed by `close()`.
   */
  lost(closed: Closed, openMs: number): void;
}

type Timer = ReturnType<typeof setTimeout>;

const OPEN = 1;
const NORMAL = 1000;

/** The code of a connection that ended without a close frame (RFC 6455, section 7.1.5). */
export const ABNORMAL = 1006;

/** Milliseconds that a timer may be late. A later timer is a sign that the page was asleep. */
const LATE_MS = 1000;

const BEAT = JSON.stringify({ event_type: HEARTBEAT, data: {} });

/**
 * One attempt to connect, and the connection that follows from it.
 *
 * The client gives up a line that does not open or does not answer a heartbeat. After that it ignores all events of the
 * WebSocket: browsers may report the close of a dead line up to a minute later, when the next line is open.
 */
export class SocketLine {
  readonly #config: ClientConfig;
  readonly #host: LineHost;
  readonly #socket: WebSocketLike;
  /** Runs until the line has opened, or until the answer to a heartbeat has arrived. */
  #deadline: Timer | undefined;
  #beats: Timer | undefined;
  /** When the line has opened, or `0`. */
  #openedAt = 0;

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
    // A close event follows, which is enough. This listener is never removed: an unheard error of ws ends the process.
    socket.onerror = () => {};
  }

  /** Sends a text if the line is open, and returns whether it was open. @throws what the WebSocket throws. */
  send(text: string): boolean {
    // A line that closes takes no messages either.
    const isOpen = this.#socket.readyState === OPEN;
    if (isOpen) this.#socket.send(text);
    return isOpen;
  }

  /**
   * Sends a message of the client itself. The app is not told of an error: if the line takes no messages, the next
   * heartbeat finds it dead.
   */
  say(text: string): boolean {
    try {
      return this.send(text);
    } catch {
      return true;
    }
  }

  /** Says that the user is there, and tests whether the line is alive. Any received message shows that it is. */
  beat(): void {
    if (this.say(BEAT)) this.#expect(this.#config.requestTimeoutMs, "no_answer");
  }

  /** Closes the line after all sent messages. */
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

  #expect(withinMs: number, otherwise: string, isSecond?: boolean): void {
    const dueAt = performance.now() + withinMs;
    this.#deadline ??= setTimeout(() => {
      this.#deadline = undefined;
      // After a sleep this timer runs before the messages that came in meanwhile. So it waits once more, and they are
      // heard first. It does so only once, because the timers of a hidden tab are always late.
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
    this.#host.lost(closed, this.#openedAt && performance.now() - this.#openedAt);
  }

  #release(): void {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    this.#heard();
    clearInterval(this.#beats);
  }
}
