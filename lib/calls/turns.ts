import { after } from "../time/after.ts";
import { inTime, timedOut } from "./in-time.ts";

/** A step's turn with its session. */
export interface Turn {
  /** Whether who asked has been told by now that it failed, so that nothing may be written any more. */
  readonly isOver: boolean;
}

/** Errors of steps that have never begun. */
const unbegun = new WeakSet<object>();

/** Whether an error says that nothing was asked of the store, so that nothing can have come of it. */
export function hasNotBegun(error: unknown): boolean {
  return typeof error === "object" && error !== null && unbegun.has(error);
}

/**
 * Steps on sessions, those of one session one after the other.
 *
 * Who asks waits for `timeoutMs`. Up to half of it a step may wait for those before it: one that has no more left is
 * told so, and never begins. A step that ends its session begins however late it is.
 */
export class Turns {
  readonly #timeoutMs: number;
  readonly #last = new Map<string, Promise<void>>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Runs a step that writes after all earlier steps on the session, whatever became of them, unless it is too late then. */
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

  /** Runs a step that ends the session, after all earlier ones, however late. */
  end<T>(sid: string, step: () => Promise<T>): Promise<T> {
    return this.#queue(sid, step);
  }

  #queue<T>(sid: string, step: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(sid) ?? Promise.resolve();
    const result = earlier.then(step);
    // A step's time begins with the step: else all that wait for many before them would run at once.
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
