/** Longer than any delay that Node's timers take: they make one millisecond of it. */
const TOO_LONG_MS = 2 ** 31;

/** Whether so many milliseconds can be waited for. */
export function isDelay(ms: number): boolean {
  return typeof ms === "number" && ms > 0 && ms < TOO_LONG_MS;
}
