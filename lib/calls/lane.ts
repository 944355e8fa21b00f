import { after } from "../time/after.ts";
import { timedOut, unavailable } from "./in-time.ts";

/** Calls of all work in a lane that are under way at a time, and that begin in one turn: few beside those of requests. */
const WIDTH = 100;

/** Works that may wait for their turn. */
const MAX_WAITING = 10_000;

/** The same to be done for each of many. */
interface Work {
  /** Begins the next one; `false` after the last. */
  begin(): boolean;
}

/**
 * Where work on many sessions goes, so that it leaves the way free for requests: little of it is under way at a time,
 * whoever asked for it, and who asked takes turns.
 */
export class Lane {
  readonly #timeoutMs: number;
  readonly #waiting: Work[] = [];
  #free: number = WIDTH;
  #begun = 0;

  /** Work that has not begun in `timeoutMs` fails, and so does work that goes on failing for longer. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Does the same for each. What has begun is done; then the first failure, if there was one, is thrown. A failure keeps
   * none of the others from being tried for as long as the lane's time has not run out.
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
        // What is thrown at once is a failure like any other.
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
      // What is answered at once, as by memory, would go on in this turn until all is done.
      if (this.#begun++ === 0) setImmediate(this.#nextTurn);
      if (work.begin()) this.#waiting.push(work);
    }
  }

  readonly #nextTurn = (): void => {
    this.#begun = 0;
    this.#go();
  };
}
