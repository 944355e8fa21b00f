import type { Line } from "../../lines/line.ts";
import { after } from "../../time/after.ts";
import { LARGEST_MESSAGE_BYTES } from "./checked-text.ts";

/** Milliseconds within which a client above its limit must read something. */
const STALL_MS = 5_000;

/** The figures of a line that tell how much its client has not read. */
type UnreadLine = Pick<Line, "bufferedAmount" | "unwrittenBytes">;

/**
 * The unread bytes of a client, while they are more than its limit.
 *
 * A single write larger than the limit is allowed, as long as the client has read what came before it. After such a
 * write, no more than the limit of further bytes may wait, and the client must keep reading. So a client is judged by
 * the bytes that it was sent earlier, never by bytes that it could not have read yet.
 */
export class Backlog {
  readonly #line: UnreadLine;
  readonly #limit: number;
  readonly #onStalled: () => void;
  /** Whether the client is still reading a write larger than the limit. */
  #hasLarge = false;
  /** Bytes written since that write. */
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

  /** Ends the watch, because the client has read enough or its line closes. */
  end(): void {
    this.#cancel();
  }

  /** Checks repeatedly that the client reads, until no more than the limit waits. */
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

/** The most bytes that may wait for one client, however fast it reads. */
export function ceiling(limit: number): number {
  return limit + Math.max(limit, LARGEST_MESSAGE_BYTES);
}
