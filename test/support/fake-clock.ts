import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../lib/time/clock.ts";

interface Timer {
  at: number;
  readonly everyMs: number | undefined;
  readonly step: () => void;
}

/** A clock that stands still until the test moves it. */
export class FakeClock implements Clock {
  #now = Date.now();
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  every(ms: number, step: () => void): () => void {
    return this.#add({ at: this.#now + ms, everyMs: ms, step });
  }

  after(ms: number, step: () => void): () => void {
    return this.#add({ at: this.#now + ms, everyMs: undefined, step });
  }

  /** Moves on, and runs each due timer at its time, with a turn of the event loop after it. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      this.#now = timer.at;
      if (timer.everyMs === undefined) this.#timers.delete(timer);
      else timer.at += timer.everyMs;
      timer.step();
      await turn();
    }
    this.#now = until;
    await turn();
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.at <= until && timer.at < (next?.at ?? Infinity)) next = timer;
    return next;
  }
}
