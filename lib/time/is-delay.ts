/** The shortest delay that is too long for Node's timers. Node turns it into one millisecond. */
const TOO_LONG_MS = 2 ** 31;

/** Whether a timer can wait this many milliseconds. */
export function isDelay(ms: number): boolean {
  return typeof ms === "number" && ms > 0 && ms < TOO_LONG_MS;
}
