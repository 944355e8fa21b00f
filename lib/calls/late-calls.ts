/** A call counts as lost when it is late by this many times its time limit. */
const LOST_AFTER = 10;

/** The time when a call timed out, and how many calls had begun by then. */
interface Late {
  readonly at: number;
  readonly begun: number;
}

/**
 * Unanswered calls that nobody waits for any more.
 *
 * They keep their places as long as the backend answers nothing, because an offline client may queue them. Once the
 * backend has answered a call that was made long after them, they are lost and will never be answered.
 */
export class LateCalls {
  readonly #timeoutMs: number;
  readonly #free: () => void;
  /** The late calls by number, in the order in which they timed out. */
  readonly #late = new Map<number, Late>();
  #triedAt = Number.NEGATIVE_INFINITY;

  /** Calls `free` for each place that is given back. */
  constructor(timeoutMs: number, free: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#free = free;
  }

  add(number: number, begun: number): void {
    this.#late.set(number, { at: performance.now(), begun });
  }

  /** Removes a call that was answered after all. */
  settled(number: number): void {
    if (this.#late.delete(number)) this.#free();
  }

  /** Gives back the places of lost calls after another call was answered. */
  forgetBefore(answered: number): void {
    if (this.#late.size === 0) return;
    const lostAt = performance.now() - LOST_AFTER * this.#timeoutMs;
    for (const [number, { at, begun }] of this.#late) {
      if (at > lostAt || begun >= answered) return;
      this.settled(number);
    }
  }

  /**
   * Whether one more call may be made although all places are taken. This is allowed now and then, to see whether the
   * backend answers again.
   */
  mayTry(): boolean {
    const [oldest] = this.#late.values();
    const now = performance.now();
    if (!oldest || oldest.at > now - LOST_AFTER * this.#timeoutMs) return false;
    if (now - this.#triedAt < this.#timeoutMs) return false;
    this.#triedAt = now;
    return true;
  }
}
