import { after } from "../time/after.ts";
import { timedOut, unavailable } from "./in-time.ts";

/**
 * How many calls of a lane may be under way at a time, and may begin in one turn. They are few beside those of
 * requests.
 */
const WIDTH = 100;

/** How many works may wait for their turn. */
const MAX_WAITING = 10_000;

/** One task over many items. */
interface Work {
  /** Begins the next item; `false` after the last. */
  begin(): boolean;
}

/**
 * Runs work on many sessions so that it does not hold up requests. Only a little of it is under way at a time,
 * whoever asked for it, and the callers take turns.
 */
export class Lane {
  readonly #timeoutMs: number;
  readonly #waiting: Work[] = [];
  #free: number = WIDTH;
  #begun = 0;

  /** Work that has not begun within `timeoutMs` fails. So does work that still fails after this time. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Does the same work for each item. All begun items are finished, then the first failure, if there is one, is
   * thrown. After a failure the other items are still tried until the lane's time has run out.
   */
  each<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
    if (items.length === 0) return Promise.resolve();
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(unavailable("has too much work on many sessions waiting"));
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      let [next, running] = [0, 0];
      let failure: { readonly error: unknown } | undefined;
      const fail = (error: unknown) => {
        failure ??= { error };
        if (performance.now() - startedAt >= this.#timeoutMs) next = items.length;
      };
      const settle = () => {
        if (running > 0 || next < items.length) return;
        if (failure) reject(failure.error);
        else resolve();
      };
      const cancel = after(this.#timeoutMs, () => {
        fail(timedOut(this.#timeoutMs));
        next = items.length;
        settle();
      });
      const begin = () => {
        cancel();
        if (next >= items.length) return false;
        const item = items[next++] as T;
        running++;
        this.#free--;
        // An error that is thrown synchronously is a failure like any other.
        (async () => run(item))()
          .catch(fail)
          .finally(() => {
            running--;
            this.#free++;
            settle();
            this.#go();
          });
        return next < items.length;
      };
      this.#waiting.push({ begin });
      this.#go();
    });
  }

  #go(): void {
    while (this.#free > 0 && this.#begun < WIDTH) {
      const work = this.#waiting.shift();
      if (!work) return;
      // Immediate answers, as from memory, would otherwise run all the work in this turn.
      if (this.#begun++ === 0) setImmediate(this.#nextTurn);
      if (work.begin()) this.#waiting.push(work);
    }
  }

  readonly #nextTurn = (): void => {
    this.#begun = 0;
    this.#go();
  };
}
