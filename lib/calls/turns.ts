import { after } from "../time/after.ts";
import { inTime, timedOut } from "./in-time.ts";

/** The turn of one step on its session. */
export interface Turn {
  /** Whether the caller has been told that the step failed. The step must write nothing any more then. */
  readonly isOver: boolean;
}

/** Errors of steps that have never begun. */
const unbegun = new WeakSet<object>();

/** Whether an error says that the store was never asked, so that nothing can have changed. */
export function hasNotBegun(error: unknown): boolean {
  return typeof error === "object" && error !== null && unbegun.has(error);
}

/**
 * Runs the steps on one session one after the other.
 *
 * A caller waits for `timeoutMs`. A step may wait up to half of this time for earlier steps. If it has waited longer,
 * its caller is told so and the step never begins. A step that ends its session begins however late it is.
 */
export class Turns {
  readonly #timeoutMs: number;
  readonly #last = new Map<string, Promise<void>>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Runs a writing step after all earlier steps on the session, whatever became of them. The step does not run if it
   * is too late by then.
   */
  write<T>(sid: string, step: (turn: Turn) => Promise<T>): Promise<T> {
    const turn = { isOver: false };
    return new Promise((resolve, reject) => {
      const tooLate = after(this.#timeoutMs / 2, () => {
        turn.isOver = true;
        const error = timedOut(this.#timeoutMs);
        unbegun.add(error);
        reject(error);
      });
      const begin = async () => {
        if (turn.isOver) throw timedOut(this.#timeoutMs);
        tooLate();
        return step(turn);
      };
      const told = after(this.#timeoutMs, () => {
        turn.isOver = true;
      });
      this.#queue(sid, begin).finally(told).then(resolve, reject);
    });
  }

  /** Runs a step that ends the session after all earlier steps, however late it is. */
  end<T>(sid: string, step: () => Promise<T>): Promise<T> {
    return this.#queue(sid, step);
  }

  #queue<T>(sid: string, step: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(sid) ?? Promise.resolve();
    const result = earlier.then(step);
    // The time limit of a step begins with the step. Otherwise all steps that wait behind many others would run at
    // once.
    const settled = earlier
      .then(() => inTime(result, this.#timeoutMs))
      .then(
        () => {},
        () => {},
      );
    this.#last.set(sid, settled);
    void settled.then(() => {
      if (this.#last.get(sid) === settled) this.#last.delete(sid);
    });
    return result;
  }
}
