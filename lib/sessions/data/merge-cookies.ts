import type { SessionData } from "express-session";
import { inflateCookie } from "./inflate-cookie.ts";
import { type CookieData, copyCookie, type SessionCookie } from "./session-cookie.ts";

type Cookie = SessionData["cookie"];

const ATTRIBUTES = ["partitioned", "priority", "secure", "httpOnly", "domain", "path", "sameSite"] as const;

/**
 * Ages that differ by less than this are equal, because `expires = new Date(Date.now() + age)` reads the clock twice.
 */
const SAME_AGE_MS = 10;

/** Whether two cookies are the same apart from the time of their expiry, which each save and each touch moves. */
export function isSameCookie(a: CookieData, b: CookieData): boolean {
  if (!isSameAge(a, b)) return false;
  for (const name of ATTRIBUTES) if (!isSame(a[name], b[name])) return false;
  return true;
}

/**
 * Merges three cookies by attribute into a new one. An age and its expiry are one unit. Each save moves the expiry,
 * so a moved expiry alone is no change: if nobody has changed the age, the later expiry wins.
 */
export function mergeCookies(base: Cookie | undefined, mine: Cookie, theirs: Cookie): Cookie {
  const me = inflated(mine);
  if (!base) return copyCookie(me) as unknown as Cookie;
  const [before, them] = [inflated(base), inflated(theirs)];
  const merged = copyCookie(them);
  for (const name of ATTRIBUTES) if (!isSame(before[name], me[name])) merged[name] = me[name];
  const isMyAge = !isSameAge(before, me);
  if (isMyAge || (isSameAge(before, them) && Number(me.expires) > Number(them.expires))) {
    merged.expires = me.expires;
    merged.originalMaxAge = isMyAge ? me.originalMaxAge : them.originalMaxAge;
  }
  return merged as unknown as Cookie;
}

function inflated(cookie: Cookie): SessionCookie {
  return inflateCookie(cookie) as unknown as SessionCookie;
}

function isSameAge({ originalMaxAge: a }: CookieData, { originalMaxAge: b }: CookieData): boolean {
  return a === b || (a !== null && b !== null && Math.abs(a - b) < SAME_AGE_MS);
}

/** Whether two values are stored as the same. */
function isSame(a: unknown, b: unknown): boolean {
  return (a ?? undefined) === (b ?? undefined);
}
