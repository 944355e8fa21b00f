import type { RawData } from "ws";
import { OutgoingMessage } from "../../lines/batch.ts";
import type { RealtimeConfig } from "../realtime-options.ts";
import { checkedText } from "./checked-text.ts";
import type { Correspondent } from "./correspondent.ts";
import type { Counts } from "./counts.ts";
import type { Events } from "./events.ts";
import {
  answerText,
  errorText,
  HEARTBEAT,
  HEARTBEAT_ANSWER,
  type IncomingEvent,
  ProtocolError,
  parseMessage,
} from "./protocol.ts";
import { Rate } from "./rate.ts";

/** What inboxes share. */
export interface InboxHost {
  readonly events: Events;
  readonly counts: Counts;
  readonly config: Pick<
    RealtimeConfig,
    "clock" | "maxMessagesPerSecond" | "maxBytesPerSecond" | "handlerTimeoutMs" | "maxBufferedBytes"
  >;
  readonly hub: {
    /** Whether sessions may have ended of which this node has not heard. Then no event is handled until it has looked. */
    readonly isStale: boolean;
  };
}

/** As for a listener that fails (RFC 6455, section 7.4.1). */
export const INTERNAL_ERROR = 1011;

/** Events, and bytes of them, that may wait for those before them to be handled; with more, the client is read no further. */
const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 262_144;

/** An event with the bytes that it came in; what is made of them may take ten times as many. */
interface Waiting {
  readonly event: IncomingEvent;
  readonly bytes: number;
}

/** Handlers of one connection that may go on after their time: with one more it is closed. */
const MAX_OVERDUE = 10;

/** What is handled now. What takes too long is not it any more, whatever comes of it. */
interface Handling {
  readonly event: IncomingEvent;
  readonly since: number;
}

const NOTHING: Waiting[] = [];

/**
 * Takes in what a client sends: heartbeats at once, events one after the other, each when the one before it is
 * handled. Until it is opened, events wait, in order.
 */
export class Inbox {
  readonly #host: InboxHost;
  readonly #connection: Correspondent;
  #waiting = NOTHING;
  #waitingBytes = 0;
  #isHeld = true;
  #handling: Handling | undefined;
  #overdue = 0;
  #isPaused = false;
  readonly #messages: Rate;
  readonly #bytes: Rate;

  constructor(host: InboxHost, connection: Correspondent) {
    this.#host = host;
    this.#connection = connection;
    this.#messages = new Rate(host.config.maxMessagesPerSecond, host.config.clock.now());
    this.#bytes = new Rate(host.config.maxBytesPerSecond, host.config.clock.now());
  }

  /** From here on events are handled. */
  open(): void {
    this.#isHeld = false;
    void this.#work();
  }

  /** The node has looked at its sessions. */
  goOn(): void {
    void this.#work();
  }

  take(message: RawData, isBinary: boolean): void {
    const bytes = (message as Buffer).byteLength;
    this.#host.counts.messagesIn++;
    this.#host.counts.bytesIn += bytes;
    if (!this.admit(bytes)) return;
    try {
      if (isBinary) throw new ProtocolError("binary_frame", "Messages must be text");
      this.#sort(parseMessage(message.toString(), this.#host.events.handles), bytes);
    } catch (error) {
      this.#connection.heard("message");
      this.#refuse(error as ProtocolError);
    }
  }

  /** Counts a message, a ping, or a pong that nobody has asked for. One too many ends the connection, and is `false`. */
  admit(bytes: number): boolean {
    const now = this.#host.config.clock.now();
    if (this.#messages.take(1, now) && this.#bytes.take(bytes, now)) return true;
    this.#connection.end("rate_limited");
    // What has arrived by now may be megabytes of frames, which would be read in one turn while everybody waits.
    this.#connection.line.pause();
    return false;
  }

  #sort(event: IncomingEvent | undefined, bytes: number): void {
    const isHeartbeat = event === undefined || event.type === HEARTBEAT;
    this.#connection.heard(isHeartbeat ? "heartbeat" : "message");
    if (!isHeartbeat) this.#wait({ event, bytes });
    else if (event?.id !== undefined) this.#answer(answerText(event.id, undefined));
    else if (event) this.#answer(HEARTBEAT_ANSWER);
  }

  #wait(waiting: Waiting): void {
    if (this.#waiting === NOTHING) this.#waiting = [];
    this.#waiting.push(waiting);
    this.#waitingBytes += waiting.bytes;
    if (!this.#isPaused && (this.#waiting.length >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES)) {
      this.#isPaused = true;
      this.#connection.line.pause();
    }
    void this.#work();
  }

  /** Has the next event handled if the one before it has taken too long, up to a tick ago. */
  look(now: number): void {
    const { events } = this.#host;
    const { handlerTimeoutMs } = this.#host.config;
    const late = this.#handling;
    if (!late || now - late.since < handlerTimeoutMs) return;
    this.#handling = undefined;
    const { type, id } = late.event;
    const failure = new Error(`The handler of "${type}" did not end within ${handlerTimeoutMs} ms.`);
    events.errors.report(failure, this.#connection);
    this.#refuse(new ProtocolError("handler_timeout", "The event was not handled in time", id));
    // None can be stopped: one that hangs each time would be there ever more often.
    if (++this.#overdue > MAX_OVERDUE) {
      this.#waiting = NOTHING;
      this.#connection.close(INTERNAL_ERROR, "internal_error");
    } else void this.#work();
  }

  /** What was sent before the line closed is handled, and nobody else looks after it any more. */
  closed(): void {
    if (!this.#handling) return;
    const { clock, handlerTimeoutMs } = this.#host.config;
    clock.after(handlerTimeoutMs, () => {
      this.look(clock.now());
      this.closed();
    });
  }

  async #work(): Promise<void> {
    if (this.#isHeld || this.#handling) return;
    while (!this.#connection.line.isMuted) {
      if (this.#waiting.length > 0 && this.#host.hub.isStale) return;
      const next = this.#waiting.shift();
      if (!next) break;
      this.#waitingBytes -= next.bytes;
      if (this.#isPaused) this.#resumeIfHalfDone();
      const handling = { event: next.event, since: this.#host.config.clock.now() };
      this.#handling = handling;
      await this.#handle(handling);
      // Others go on meanwhile with what comes after it.
      if (this.#handling !== handling) {
        this.#overdue--;
        return;
      }
      this.#handling = undefined;
    }
    this.#waiting = NOTHING;
    this.#waitingBytes = 0;
  }

  async #handle(handling: Handling): Promise<void> {
    const { event } = handling;
    try {
      const answer = await this.#host.events.handle(this.#connection, event);
      if (event.id !== undefined && this.#handling === handling)
        this.#answer(checkedText(answerText(event.id, answer), this.#host.config.maxBufferedBytes));
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#host.events.errors.report(error, this.#connection);
      // It was answered when its time was over.
      if (this.#handling !== handling) return;
      if (error instanceof ProtocolError) this.#refuse(error);
      // What it has returned is no JSON, or too much.
      else this.#refuse(new ProtocolError("handler_failed", "The event could not be handled", event.id));
    }
  }

  #resumeIfHalfDone(): void {
    if (this.#waiting.length > MAX_WAITING / 2 || this.#waitingBytes > MAX_WAITING_BYTES / 2) return;
    this.#isPaused = false;
    this.#connection.line.resume();
  }

  #refuse(error: ProtocolError): void {
    this.#answer(errorText(error));
  }

  #answer(text: string): void {
    this.#connection.push(new OutgoingMessage(text));
  }
}
