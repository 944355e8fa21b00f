/** A timeout for calls that must succeed on a machine that stands still at times. A test about time sets its own. */
export const timeoutMs = 10_000;
