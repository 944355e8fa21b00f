import type { WebSocket } from "ws";
import type { Batch, Framing } from "./batch.ts";

/** Receives all events of a line. Each line has one follower in place of several listeners. */
export interface Follower {
  onMessage(data: Buffer, isBinary: boolean): void;
  /** A ping or a pong has come. */
  onControlFrame(bytes: number, isPong: boolean): void;
  /** A close is about to be sent. Messages that are written now leave before it. */
  onEnd(): void;
  /** The line lets nothing through any more. */
  onMute(): void;
  onClose(code: number, reason: string): void;
}

/** An open line to a client, bound to a session. A WebSocket is one. */
export interface Line {
  /** The WebSocket, if the line is one. */
  readonly webSocket: WebSocket | undefined;
  /** Whether the line takes what is written. */
  readonly isOpen: boolean;
  /** Whether the line lets nothing through any more, in either direction. */
  readonly isMuted: boolean;
  /** Whether the line is read. */
  readonly isPaused: boolean;
  /** How the line writes messages. */
  readonly framing: Framing;
  /** Bytes that wait for the client. */
  readonly bufferedAmount: number;
  /** Bytes of the write under way that the system has yet to take. They become fewer whenever the client reads. */
  readonly unwrittenBytes: number;
  /** Sets the follower, which receives all events before listeners do. */
  follow(follower: Follower): void;
  /** Writes messages in order, in one write if it can. A line that is not open ignores them. */
  write(batch: Batch): void;
  /** Asks the client for a sign that the line is alive. */
  ping(): void;
  pause(): void;
  resume(): void;
  /**
   * Closes for good, after everything that was written. The client gets the code and the reason.
   *
   * @throws {TypeError | RangeError} for a code or reason that no close can have; then nothing has changed.
   */
  end(code: number, reason: string): void;
  /** Cuts the line at once. */
  terminate(): void;
}
