import { setTimeout as delay } from "node:timers/promises";
import { within } from "./within.ts";

export interface EventuallyOptions {
  /** @default 5_000 */
  withinMs?: number;
}

const intervalMs = 10;

/** Repeats `check` until it does not throw, and gives what it returned; fails with its last error as the cause. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 5_000 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await within(Promise.resolve(check()), Math.max(deadline - Date.now(), 1), "end of the check");
    } catch (error) {
      if (Date.now() >= deadline) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`Still so after ${withinMs} ms: ${reason}`, { cause: error });
      }
    }
    await delay(intervalMs);
  }
}
