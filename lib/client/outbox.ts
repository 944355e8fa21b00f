import { RealtimeClientError } from "./client-error.ts";
import type { ClientConfig } from "./client-options.ts";
import type { SocketLine } from "./socket-line.ts";

/** An answer of the server. */
export interface Answer {
  readonly id?: unknown;
  readonly status?: unknown;
  readonly data?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
}

interface Message {
  /** The id of the request, if it is one. */
  readonly id: number | undefined;
  /** The key by which the server knows a repetition. A message with a key is sent again on the next line. */
  readonly key: string | undefined;
  readonly text: string;
}

interface Request extends Message {
  timer?: ReturnType<typeof setTimeout>;
  resolve(data: unknown): void;
  reject(error: RealtimeClientError): void;
}

/**
 * The most characters that are sent at once when a connection opens. A message counts as `LEAST` characters or more, so
 * these are 25 messages. Both stay below a server's limits of 100 messages and 1 MiB a second.
 */
const SLICE = 50_000;
const LEAST = 2000;
/** Milliseconds before as many follow. */
const PAUSE_MS = 300;

/**
 * Messages on their way to the server, and requests that wait for their answer. Each message is sent in the order of the
 * calls, and at most once, unless it has a key by which the server knows a repetition.
 */
export class Outbox {
  readonly #config: ClientConfig;
  #waiting: Message[] = [];
  /** Requests of the client itself. They go before the waiting messages, but no faster. */
  #urgent: Message[] = [];
  readonly #requests = new Map<unknown, Request>();
  #lastId = 0;
  #line: SocketLine | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** The characters that may still leave before a pause. */
  #left = SLICE;
  #hasEnded = false;
  readonly #report: (error: RealtimeClientError) => void;

  /** `report` is called for waiting messages that could not be sent and whose sender asked for no answer. */
  constructor(config: ClientConfig, report: (error: RealtimeClientError) => void) {
    this.#config = config;
    this.#report = report;
  }

  send(type: string, data: object): void {
    this.#put(messageOf(type, data));
  }

  /** Sends a request. An urgent one is never refused, and is not kept for the next line. */
  request(type: string, data: object, retry?: boolean, isUrgent?: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // No other request has the same id, not even on the next connection.
      const id = ++this.#lastId;
      // A page without HTTPS has no `crypto.randomUUID`.
      const key = retry ? crypto.getRandomValues(new Uint8Array(16)).join("-") : undefined;
      const message: Request = { ...messageOf(type, data, id, key), resolve, reject };
      if (!isUrgent) this.#put(message);
      message.timer = setTimeout(() => {
        this.#requests.delete(id);
        this.#waiting = this.#waiting.filter((waiting) => waiting !== message);
        reject(new RealtimeClientError("timeout", `No answer to "${type}"`));
      }, this.#config.requestTimeoutMs);
      this.#requests.set(id, message);
      if (isUrgent) {
        this.#urgent.push(message);
        this.#drain();
      }
    });
  }

  /** Settles the request that an answer belongs to. */
  settle(answer: Answer): void {
    const request = this.#take(answer.id);
    if (answer.status === "success") request?.resolve(answer.data);
    else request?.reject(answerError(answer));
  }

  /** Sends the waiting messages. */
  opened(line: SocketLine): void {
    this.#line = line;
    this.#goOn();
  }

  /**
   * There is no line, and messages may wait for one. Rejects the requests that were sent. If `mayRetry` is true, those with
   * a key wait again, before all that were not sent.
   */
  lost(mayRetry?: boolean): void {
    this.#line = undefined;
    this.#hasEnded = false;
    this.#urgent = [];
    clearTimeout(this.#pause);
    let again = 0;
    for (const [id, message] of this.#requests) {
      if (this.#waiting.includes(message)) continue;
      if (mayRetry && message.key && this.#waiting.length < this.#config.maxQueuedMessages)
        this.#waiting.splice(again++, 0, message);
      else {
        this.#take(id);
        message.reject(new RealtimeClientError("closed", "The connection has ended"));
      }
    }
  }

  /** Rejects all requests. Nothing is sent any more, until `lost()` is called for a new beginning. */
  end(): void {
    this.#waiting = [];
    this.lost();
    this.#hasEnded = true;
  }

  #take(id: unknown): Request | undefined {
    const request = this.#requests.get(id);
    clearTimeout(request?.timer);
    this.#requests.delete(id);
    return request;
  }

  #put(message: Message): void {
    if (this.#hasEnded) throw new RealtimeClientError("closed", "The connection has ended");
    if (!this.#waiting[0] && this.#leave(message)) return;
    if (this.#waiting.length >= this.#config.maxQueuedMessages)
      throw new RealtimeClientError("queue_full", `${this.#waiting.length} messages wait already`);
    this.#waiting.push(message);
  }

  /**
   * Sends a message if the line is open, and returns whether it was open. If this throws, the message is used up too.
   */
  #leave({ text }: Message): boolean {
    try {
      return this.#line?.send(text) ?? false;
    } catch (cause) {
      throw new RealtimeClientError("not_sent", `The WebSocket refused it: ${cause}`, { cause });
    }
  }

  #drain(): void {
    while (this.#left > 0) {
      const queue = this.#urgent[0] ? this.#urgent : this.#waiting;
      const [next] = queue;
      if (!next) return;
      this.#left -= Math.max(LEAST, next.text.length);
      try {
        if (!this.#leave(next)) return;
        queue.shift();
      } catch (error) {
        queue.shift();
        // The rest is sent later. If the line itself is broken, it closes first, and the rest waits for the next one.
        this.#left = 0;
        (this.#take(next.id)?.reject ?? this.#report)(error as RealtimeClientError);
      }
    }
    this.#pause ??= setTimeout(() => this.#goOn(), PAUSE_MS);
  }

  #goOn(): void {
    this.#pause = undefined;
    this.#left = SLICE;
    this.#drain();
  }
}

function messageOf(type: string, data: object, id?: number, key?: string): Message {
  return { id, key, text: JSON.stringify({ event_type: type, data, id, key }) };
}

/** The error in an answer. */
export function answerError({ error }: Answer): RealtimeClientError {
  return new RealtimeClientError(String(error?.code), String(error?.message));
}
