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
  readonly text: string;
}

interface Request {
  readonly message: Message;
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(data: unknown): void;
  reject(error: RealtimeClientError): void;
}

/**
 * Messages, and characters of them, that leave at once when a connection opens, and how long before as many follow: under
 * a server's limits of 100 a second, and of 1 MiB.
 */
const SLICE = 25;
const SLICE_LENGTH = 50_000;
const PAUSE_MS = 300;

/**
 * Messages on their way to the server, each of which leaves at most once, in the order of the calls, and requests that
 * wait for their answer.
 */
export class Outbox {
  readonly #config: ClientConfig;
  #waiting: Message[] = [];
  readonly #requests = new Map<unknown, Request>();
  #lastId = 0;
  #line: SocketLine | undefined;
  #pause: Request["timer"] | undefined;
  #hasEnded = false;
  readonly #report: (error: RealtimeClientError) => void;

  /** `report` hears of messages that waited and could not be sent, and whose sender asked for no answer. */
  constructor(config: ClientConfig, report: (error: RealtimeClientError) => void) {
    this.#config = config;
    this.#report = report;
  }

  send(type: string, data: object): void {
    this.#put({ text: JSON.stringify({ event_type: type, data }) });
  }

  request(type: string, data: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // Never used again, also on the next connection.
      const id = ++this.#lastId;
      const message = { text: JSON.stringify({ event_type: type, data, id }) };
      this.#put(message);
      const { requestTimeoutMs } = this.#config;
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        this.#waiting = this.#waiting.filter((waiting) => waiting !== message);
        reject(new RealtimeClientError("timeout", `No answer to "${type}" in ${requestTimeoutMs} ms`));
      }, requestTimeoutMs);
      this.#requests.set(id, { message, timer, resolve, reject });
    });
  }

  /** Settles the request that an answer is to. */
  settle(answer: Answer): void {
    const request = this.#take(answer.id);
    if (answer.status === "success") request?.resolve(answer.data);
    else request?.reject(answerError(answer));
  }

  /** Sends what waits. */
  opened(line: SocketLine): void {
    this.#line = line;
    this.#drain();
  }

  /** Rejects the requests that were sent. */
  lost(): void {
    this.#line = undefined;
    clearTimeout(this.#pause);
    for (const [id, { message }] of this.#requests) {
      if (this.#waiting.includes(message)) continue;
      this.#take(id)?.reject(new RealtimeClientError("closed", "The connection was lost before the answer"));
    }
  }

  /** Takes messages again after its end. */
  begin(): void {
    this.#hasEnded = false;
  }

  /** Rejects all requests; nothing is sent any more. */
  end(): void {
    this.#hasEnded = true;
    this.#waiting = [];
    this.lost();
  }

  #take(id: unknown): Request | undefined {
    const request = this.#requests.get(id);
    clearTimeout(request?.timer);
    this.#requests.delete(id);
    return request;
  }

  #put(message: Message): void {
    if (this.#hasEnded) throw new RealtimeClientError("closed", "The client has ended");
    if (this.#waiting.length === 0 && this.#leave(message)) return;
    if (this.#waiting.length >= this.#config.maxQueuedMessages)
      throw new RealtimeClientError("queue_full", `${this.#waiting.length} messages wait already`);
    this.#waiting.push(message);
  }

  /** Sends a message, if the line is open, and answers whether it was. It has had its turn also if that throws. */
  #leave({ text }: Message): boolean {
    try {
      return this.#line?.send(text) ?? false;
    } catch (cause) {
      throw new RealtimeClientError("not_sent", `The WebSocket has refused a message: ${cause}`, { cause });
    }
  }

  #unsent(message: Message, error: RealtimeClientError): void {
    for (const [id, request] of this.#requests) {
      if (request.message !== message) continue;
      this.#take(id);
      request.reject(error);
      return;
    }
    this.#report(error);
  }

  #drain(): void {
    let length = 0;
    for (let left = SLICE; left > 0 && length < SLICE_LENGTH; left--) {
      const [next] = this.#waiting;
      if (!next) return;
      length += next.text.length;
      try {
        if (!this.#leave(next)) return;
        this.#waiting.shift();
      } catch (error) {
        this.#waiting.shift();
        // The rest later: if it is the line that takes nothing, its close comes first, and they wait for the next one.
        this.#drainLater();
        this.#unsent(next, error as RealtimeClientError);
        return;
      }
    }
    this.#drainLater();
  }

  #drainLater(): void {
    this.#pause = setTimeout(() => this.#drain(), PAUSE_MS);
  }
}

/** The error that an answer tells of. */
export function answerError({ error }: Answer): RealtimeClientError {
  return new RealtimeClientError(String(error?.code), String(error?.message));
}
