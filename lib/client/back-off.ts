import type { ClientConfig } from "./client-options.ts";

/** The factor by which the first wait is longer if the server has asked the client to wait. */
const PATIENCE = 10;

/** The facts that decide the length of a wait. */
export interface BackOff {
  /** The number of this attempt in a row of attempts, from 1 on. */
  readonly attempt: number;
  /** Whether the server has asked the client to wait for a while. */
  readonly isPatient: boolean;
}

/**
 * Returns the whole milliseconds before the next attempt. The wait is random, between a minimum and a bound that
 * doubles with each attempt. So clients that lost their connections together come back one by one.
 *
 * This is full jitter, as in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, but the wait is
 * never shorter than the minimum.
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
