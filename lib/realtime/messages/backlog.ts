import type { Line } from "../../lines/line.ts";
import { after } from "../../time/after.ts";
import { LARGEST_MESSAGE_BYTES } from "./checked-text.ts";

/** Milliseconds in which a client must have read something of what it was sent beyond its limit. */
const STALL_MS = 5_000;

/** What tells how much of a line its client has not read. */
type UnreadLine = Pick<Line, "bufferedAmount" | "unwrittenBytes">;

/**
 * What a client leaves unread, while that is more than its limit. A write that is larger by itself is let out, as long as
 * the client has read what came before it: of what comes after it no more than the limit may wait, and all of it must be
 * on its way. So a client is judged by what it was sent earlier, never by what it could not have read yet.
 */
export class Backlog {
  readonly #line: UnreadLine;
  readonly #limit: number;
  readonly #onStalled: () => void;
  /** Whether the client is in the middle of a write larger than the limit, and how many bytes have been written since. */
  #hasLarge = false;
  #later = 0;
  #cancel: () => void = () => {};

  constructor(line: UnreadLine, limit: number, onStalled: () => void) {
    this.#line = line;
    this.#limit = limit;
    this.#onStalled = onStalled;
    this.#watch();
  }

  /** Whether another write may follow, now that more bytes wait than the limit. */
  get mayFollow(): boolean {
    return this.#hasLarge && this.#later <= this.#limit;
  }

  /** Notes a write. */
  wrote(bytes: number): void {
    if (bytes <= this.#limit) {
      this.#later += bytes;
      return;
    }
    this.#hasLarge = true;
    this.#later = 0;
  }

  /** Ends the watch: the client has read it, or its line closes. */
  end(): void {
    this.#cancel();
  }

  /** Looks again and again whether the client reads, until little enough waits. */
  #watch(): void {
    const { bufferedAmount, unwrittenBytes } = this.#line;
    this.#cancel = after(STALL_MS, () => {
      const now = this.#line;
      if (now.bufferedAmount <= this.#limit) {
        this.#hasLarge = false;
        return;
      }
      const isReading = now.bufferedAmount < bufferedAmount || now.unwrittenBytes !== unwrittenBytes;
      if (isReading) this.#watch();
      else this.#onStalled();
    });
  }
}

/** The most bytes that may wait for one client, whatever it reads. */
export function ceiling(limit: number): number {
  return limit + Math.max(limit, LARGEST_MESSAGE_BYTES);
}
