import type { ClientConfig } from "./client-options.ts";

/** How many times as long the first wait is when the server has asked for it. */
const PATIENCE = 10;

/** How long to wait, and why. */
export interface BackOff {
  /** Attempts in a row that this is one of, from 1 on. */
  readonly attempt: number;
  /** The server has asked to be left alone for a while. */
  readonly isPatient: boolean;
}

/**
 * Whole milliseconds before the next attempt: anything between the least, and a bound that doubles with each attempt, so that
 * clients which lost their connections together come back one by one. Full jitter, as in
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, above a least that is never undercut.
 */
export function reconnectDelayMs(
  { attempt, isPatient }: BackOff,
  { minReconnectDelayMs, maxReconnectDelayMs }: ClientConfig,
  random: () => number = Math.random,
): number {
  const leastMs = Math.min(maxReconnectDelayMs, minReconnectDelayMs * (isPatient ? PATIENCE : 1));
  const mostMs = Math.min(maxReconnectDelayMs, leastMs * 2 ** attempt);
  return Math.round(leastMs + random() * (mostMs - leastMs));
}
