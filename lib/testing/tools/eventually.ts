import { setTimeout as delay } from "node:timers/promises";
import { within } from "./within.ts";

export interface EventuallyOptions {
  /** @default 5_000 */
  withinMs?: number;
}

const intervalMs = 10;
const end = "end of the check";

/** Repeats `check` until it does not throw, and returns its result. Fails with its last error as the cause. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 5_000 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      return await within(Promise.resolve(check()), Math.max(deadline - Date.now(), 1), end);
    } catch (error) {
      // A check that was cut short says less than the one before it.
      if (failure === undefined || !String(error).includes(end)) failure = error;
      if (Date.now() >= deadline) {
        const reason = failure instanceof Error ? failure.message : String(failure);
        throw new Error(`Still so after ${withinMs} ms: ${reason}`, { cause: failure });
      }
    }
    await delay(intervalMs);
  }
}
