import { SessionStackError } from "../errors.ts";
import { after } from "../time/after.ts";

/**
 * Returns the promise's outcome, or rejects with `ERR_STORE_UNAVAILABLE` if none comes in time. A later outcome is
 * dropped.
 */
export function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(timeoutMs, () => reject(timedOut(timeoutMs)));
    promise.then(resolve, reject).finally(cancel);
  });
}

/** Creates the error of a store that does not answer. The store may have done what it was asked. */
export function timedOut(timeoutMs: number): SessionStackError {
  return unavailable(`did not answer within ${timeoutMs} ms, so it is unknown whether the call took effect`);
}

/** Creates the error of a failing store. The original error is its cause. */
export function unavailable(what: string, cause?: unknown): SessionStackError {
  return new SessionStackError(
    "ERR_STORE_UNAVAILABLE",
    `The session store ${what}; check that it runs and can be reached, then try again.`,
    { cause },
  );
}
