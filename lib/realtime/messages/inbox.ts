import type { RawData } from "ws";
import { OutgoingMessage } from "../../lines/batch.ts";
import type { RealtimeConfig } from "../realtime-options.ts";
import type { Retries } from "../retries/retries.ts";
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

/** The parts that all inboxes share. */
export interface InboxHost {
  readonly events: Events;
  readonly counts: Counts;
  readonly config: Pick<
    RealtimeConfig,
    "clock" | "maxMessagesPerSecond" | "maxBytesPerSecond" | "handlerTimeoutMs" | "maxBufferedBytes"
  >;
  readonly retries: Retries;
  readonly hub: {
    /**
     * Whether sessions may have ended without this node knowing it. Then no event is handled until the node has looked
     * at its sessions.
     */
    readonly isStale: boolean;
  };
}

/** The close code for an unexpected failure, as for a listener that fails (RFC 6455, section 7.4.1). */
export const INTERNAL_ERROR = 1011;

/** Events of a connection that may wait for earlier events. At this number, the client is read no further. */
const MAX_WAITING = 1000;
/** Bytes of waiting events, with the same effect. */
const MAX_WAITING_BYTES = 262_144;

/** An event with the number of bytes in which it came. The parsed event may take ten times as many. */
interface Waiting {
  readonly event: IncomingEvent;
  readonly bytes: number;
}

/** Handlers of one connection that may go on after their timeout. With one more, the connection is closed. */
const MAX_OVERDUE = 10;

/** The event that is handled now. After the timeout it no longer counts as such, and its result is ignored. */
interface Handling {
  readonly event: IncomingEvent;
  since: number;
  /** Whether the event may be a repetition, and waits for the outcome of the first one. */
  isWaiting: boolean;
}

const NOTHING: Waiting[] = [];

/**
 * Takes in the messages of a client. It answers heartbeats at once. It has events handled one after the other: each
 * waits until the one before it is handled. Until the inbox is opened, events wait in order.
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

  /** Opens the inbox. From now on events are handled. */
  open(): void {
    this.#isHeld = false;
    void this.#work();
  }

  /** Goes on with waiting events after the node has looked at its sessions. */
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

  /** Counts a message, a ping or an unasked pong. One too many ends the connection, and the result is `false`. */
  admit(bytes: number): boolean {
    const now = this.#host.config.clock.now();
    if (this.#messages.take(1, now) && this.#bytes.take(bytes, now)) return true;
    this.#connection.end("rate_limited");
    // Megabytes of frames may have arrived by now. Reading them in one turn would keep all other clients waiting.
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

  /** Goes on with the next event if the current one takes too long. Each tick calls this, so it may be a tick late. */
  look(now: number): void {
    const { events } = this.#host;
    const { handlerTimeoutMs } = this.#host.config;
    const late = this.#handling;
    if (!late || late.isWaiting || now - late.since < handlerTimeoutMs) return;
    this.#handling = undefined;
    const { event } = late;
    const { type, id } = event;
    const failure = new Error(`The handler of "${type}" did not end within ${handlerTimeoutMs} ms.`);
    events.errors.report(failure, this.#connection);
    const error = new ProtocolError("handler_timeout", "The event was not handled in time", id);
    this.#settle(event, errorText(error));
    // A running handler cannot be stopped. If a handler hung each time, more and more of its calls would run.
    if (++this.#overdue > MAX_OVERDUE) {
      this.#waiting = NOTHING;
      this.#connection.close(INTERNAL_ERROR, "internal_error");
    } else void this.#work();
  }

  /**
   * Goes on watching the timeout after the line has closed. Events that were sent before are still handled, and no tick
   * looks at this connection any more.
   */
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
      const { event } = next;
      const since = this.#host.config.clock.now();
      const handling = { event, since, isWaiting: event.key !== undefined };
      this.#handling = handling;
      if (!handling.isWaiting || (await this.#claim(handling))) await this.#handle(handling);
      // The timeout has passed, and another call of this method handles the next events.
      if (this.#handling !== handling) {
        this.#overdue--;
        return;
      }
      this.#handling = undefined;
    }
    this.#waiting = NOTHING;
    this.#waitingBytes = 0;
  }

  /** Resolves to whether an event with a key is to be handled now. Otherwise it is answered. */
  async #claim(handling: Handling): Promise<boolean> {
    const answer = await this.#host.retries.claim(this.#connection, handling.event);
    if (answer !== undefined) this.#answer(answer);
    handling.isWaiting = false;
    handling.since = this.#host.config.clock.now();
    return answer === undefined;
  }

  async #handle(handling: Handling): Promise<void> {
    const { event } = handling;
    try {
      const answer = await this.#host.events.handle(this.#connection, event);
      if (event.id !== undefined && this.#handling === handling)
        this.#settle(event, checkedText(answerText(event.id, answer), this.#host.config.maxBufferedBytes));
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#host.events.errors.report(error, this.#connection);
      // The event was answered at its timeout.
      if (this.#handling !== handling) return;
      // Otherwise the handler has returned data that is no JSON or is too large.
      const refused =
        error instanceof ProtocolError
          ? error
          : new ProtocolError("handler_failed", "The event could not be handled", event.id);
      this.#settle(event, errorText(refused));
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

  /** Answers a handled event. */
  #settle(event: IncomingEvent, text: string): void {
    if (event.key !== undefined) this.#host.retries.keep(this.#connection, event, text);
    this.#answer(text);
  }

  #answer(text: string): void {
    this.#connection.write(new OutgoingMessage(text));
  }
}
