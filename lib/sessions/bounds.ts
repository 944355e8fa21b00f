import { SessionStackError } from "../errors.ts";
import { timedOut, unavailable } from "./within.ts";

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

  /** One promise and one timer for each call: every request makes one. */
  call<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#unanswered >= MAX_UNANSWERED) {
        reject(unavailable("has too many calls waiting"));
        return;
      }
      this.#unanswered++;
      const timer = setTimeout(() => reject(timedOut(this.timeoutMs)), this.timeoutMs);
      const answered = () => {
        this.#unanswered--;
        clearTimeout(timer);
      };
      const failed = (error: unknown) => {
        answered();
        reject(error instanceof SessionStackError ? error : unavailable("failed", error));
      };
      try {
        call().then((value) => {
          answered();
          resolve(value);
        }, failed);
      } catch (error) {
        failed(error);
      }
    });
  }
}
