import type { CloseReason } from "../../close-codes.ts";
import type { Position } from "../../history/history.ts";
import { type Batch, OutgoingMessage } from "../../lines/batch.ts";
import type { Line } from "../../lines/line.ts";
import type { RealtimeConfig } from "../realtime-options.ts";
import { Start } from "../recovery/start.ts";
import { Backlog, ceiling } from "./backlog.ts";
import type { Counts } from "./counts.ts";
import type { FlushQueue, Sender } from "./flush-queue.ts";
import { eventText } from "./protocol.ts";

/** What all connections of a node share. */
export interface OutgoingHost {
  readonly config: Pick<RealtimeConfig, "maxBufferedBytes" | "history">;
  readonly counts: Counts;
  readonly flushes: FlushQueue;
}

/** The connection whose messages are sent. */
export interface OutgoingConnection {
  readonly id: string;
  readonly line: Line;
  end(reason: CloseReason): void;
}

/** The messages to one client. They leave at the end of the turn, in one write. A client that does not read is closed. */
export class Outgoing implements Sender {
  readonly #host: OutgoingHost;
  readonly #connection: OutgoingConnection;
  #batch: Batch | undefined;
  #backlog: Backlog | undefined;
  #isDue = false;
  /** Holds messages of channels until the client was told where its channels stand. */
  #start: Start | undefined;
  /** The positions that the client is told next. */
  #positions: Record<string, Position> | undefined;
  /** Later positions of channels whose first one the client is told before. */
  #moved: Record<string, Position> | undefined;

  constructor(host: OutgoingHost, connection: OutgoingConnection) {
    this.#host = host;
    this.#connection = connection;
    if (!host.config.history) return;
    this.#start = new Start();
    this.#positions = {};
  }

  /** Sends a message of a channel. */
  push(message: OutgoingMessage, channel: string): void {
    if (!this.#start) this.write(message);
    else if (!this.#start.hold(message, channel, this.#host.config.maxBufferedBytes))
      this.#connection.end("slow_consumer");
  }

  /**
   * Tells the client the position of a channel, before any later message of the channel. The client begins at the first
   * one, and asks for what lies between that and a moved one.
   */
  positioned(channel: string, position: Position, hasMoved: boolean): void {
    if (hasMoved) {
      this.#moved ??= {};
      this.#moved[channel] = position;
    } else {
      this.#positions ??= {};
      this.#positions[channel] = position;
    }
    if (!this.#start) this.#flushLater();
  }

  /** Tells the client where its channels stand. From now on it gets their messages. */
  begin(): void {
    const start = this.#start;
    this.#start = undefined;
    if (!start) return;
    this.#tellPositions();
    for (const message of start.messages) this.write(message);
  }

  /** Drops what the client was not sent yet of a channel that it has left. */
  forget(channel: string): void {
    this.#start?.forget(channel);
    if (this.#positions) delete this.#positions[channel];
    if (this.#moved) delete this.#moved[channel];
  }

  /** Sends a message. */
  write(message: OutgoingMessage): void {
    if (this.#connection.line.isMuted) return;
    // The position of a channel comes before its messages.
    this.#tellPositions();
    this.#batch = this.#batch ? this.#batch.with(message) : message.alone;
    this.#flushLater();
  }

  flush(): void {
    this.#tellPositions();
    this.#isDue = false;
    const batch = this.#batch;
    this.#batch = undefined;
    const { line } = this.#connection;
    if (!batch || !line.isOpen) return;
    const bytes = batch.bytes(line.framing).length;
    if (!this.#isReading(bytes)) {
      // Unread messages would be kept without end for this client. Other clients are not slowed by it.
      this.#connection.end("slow_consumer");
      return;
    }
    line.write(batch);
    this.#host.counts.messagesOut += batch.count;
    this.#host.counts.bytesOut += bytes;
    const { maxBufferedBytes } = this.#host.config;
    if (line.bufferedAmount <= maxBufferedBytes) return;
    this.#backlog ??= new Backlog(line, maxBufferedBytes, () => this.#connection.end("slow_consumer"));
    this.#backlog.wrote(bytes);
  }

  /** Drops everything for a client that lets nothing through any more. */
  mute(): void {
    this.#backlog?.end();
    this.#start = this.#positions = this.#moved = undefined;
  }

  /** Whether the client has read enough of earlier messages to be sent so many more bytes. */
  #isReading(bytes: number): boolean {
    const { maxBufferedBytes } = this.#host.config;
    const waiting = this.#connection.line.bufferedAmount;
    if (waiting <= maxBufferedBytes) {
      this.#backlog?.end();
      this.#backlog = undefined;
    } else if (!this.#backlog?.mayFollow) return false;
    return waiting + bytes <= ceiling(maxBufferedBytes);
  }

  #tellPositions(): void {
    if (this.#start) return;
    const told = [this.#positions, this.#moved];
    this.#positions = this.#moved = undefined;
    for (const channels of told)
      if (channels)
        this.write(
          new OutgoingMessage(eventText("session.positions", { connection: this.#connection.id, channels })),
        );
  }

  #flushLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#host.flushes.add(this);
  }
}
