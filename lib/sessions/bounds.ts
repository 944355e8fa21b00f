import { SessionStackError } from "../errors.ts";
import { unavailable, within } from "./within.ts";

/**
 * Calls that may wait for an answer at a time. A client that is offline queues what it is given, also
 * what nobody waits for any more; this keeps that queue short.
 */
const MAX_UNANSWERED = 10_000;

/** Lets every call end within `timeoutMs`, and fail with `ERR_STORE_UNAVAILABLE` and the reason as its cause. */
export class Bounds {
  readonly timeoutMs: number;
  #unanswered = 0;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  async call<T>(call: () => Promise<T>): Promise<T> {
    if (this.#unanswered >= MAX_UNANSWERED) throw unavailable("has too many calls waiting");
    this.#unanswered++;
    const answered = () => {
      this.#unanswered--;
    };
    try {
      const answer = new Promise<T>((resolve) => resolve(call()));
      answer.then(answered, answered);
      return await within(answer, this.timeoutMs);
    } catch (error) {
      if (error instanceof SessionStackError) throw error;
      throw unavailable("failed", error);
    }
  }
}
