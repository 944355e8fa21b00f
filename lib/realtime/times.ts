/** How exactly times are kept. */
export const TICK_MS = 1000;

/** However long users may be silent, the registry is told of who is heard, and says whom it has lost. */
const MAX_BETWEEN_WRITES_MS = 60_000;

/** Milliseconds between two writes of when a connection was heard: a quarter of the time after which it is closed. */
export function betweenWritesMs({
  inactivityThresholdSeconds,
}: {
  inactivityThresholdSeconds: number;
}): number {
  return Math.min(inactivityThresholdSeconds * 250, MAX_BETWEEN_WRITES_MS);
}
