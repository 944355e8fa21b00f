/** How many times its own time a call may be late before it is taken for lost. */
const LOST_AFTER = 10;

/** When a call ran out of time, and how many had begun by then. */
interface Late {
  readonly at: number;
  readonly begun: number;
}

/**
 * Calls that nobody waits for any more, and that have not been answered yet.
 *
 * They keep their places as long as the backend answers nothing: a client that is offline may queue them. Once it has
 * answered what was asked long after them, they are lost and never will be answered.
 */
export class LateCalls {
  readonly #timeoutMs: number;
  readonly #free: () => void;
  /** By the calls' numbers, in the order in which they ran out of time. */
  readonly #late = new Map<number, Late>();
  #triedAt = Number.NEGATIVE_INFINITY;

  /** `free` is called for each place that is given back. */
  constructor(timeoutMs: number, free: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#free = free;
  }

  add(number: number, begun: number): void {
    this.#late.set(number, { at: performance.now(), begun });
  }

  /** One has been answered after all. */
  settled(number: number): void {
    if (this.#late.delete(number)) this.#free();
  }

  /** Gives back the places of those that are lost, now that a call was answered. */
  forgetBefore(answered: number): void {
    if (this.#late.size === 0) return;
    const lostAt = performance.now() - LOST_AFTER * this.#timeoutMs;
    for (const [number, { at, begun }] of this.#late) {
      if (at > lostAt || begun >= answered) return;
      this.settled(number);
    }
  }

  /** Whether one more may be asked though all places are taken: now and then, to see whether the backend answers again. */
  mayTry(): boolean {
    const [oldest] = this.#late.values();
    const now = performance.now();
    if (!oldest || oldest.at > now - LOST_AFTER * this.#timeoutMs) return false;
    if (now - this.#triedAt < this.#timeoutMs) return false;
    this.#triedAt = now;
    return true;
  }
}
