import type { SessionData } from "express-session";
import { inflateCookie } from "../data/inflate-cookie.ts";
import { isSessionData } from "../session-store.ts";

/** The latest date that exists, as a life in seconds. */
const MAX_SECONDS = 8.64e12;

/**
 * Wraps a `ttl` function. The function always receives a session whose cookie is a Cookie. The wrapper returns whole
 * seconds or throws.
 */
export function checkedTtl(ttl: (data: SessionData) => number): (data: SessionData) => number {
  return (data) => {
    const cookie = isSessionData(data) ? inflateCookie(data.cookie) : undefined;
    const seconds = ttl(cookie && cookie !== data.cookie ? { ...data, cookie } : data);
    if (Number.isFinite(seconds) && seconds <= MAX_SECONDS) return Math.ceil(seconds);
    throw new TypeError(
      'RedisSessionStore: option "ttl" must be a number of seconds, or a function that answers with a finite one; ' +
        'for sessions that never expire there is "disableTTL"',
    );
  };
}
