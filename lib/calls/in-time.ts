import { SessionStackError } from "../errors.ts";
import { after } from "../time/after.ts";

/** The promise's outcome, or `ERR_STORE_UNAVAILABLE` if it has none in time. What comes later is dropped. */
export function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(timeoutMs, () => reject(timedOut(timeoutMs)));
    promise.then(resolve, reject).finally(cancel);
  });
}

/** The error of a store that does not answer: it may have done what it was asked. */
export function timedOut(timeoutMs: number): SessionStackError {
  return unavailable(`did not answer within ${timeoutMs} ms, so nobody knows whether this was done`);
}

/** The error of a store that fails, with what it failed with as its cause. */
export function unavailable(what: string, cause?: unknown): SessionStackError {
  return new SessionStackError(
    "ERR_STORE_UNAVAILABLE",
    `The session store ${what}; check that it runs and can be reached, then try again.`,
    { cause },
  );
}
