import type { Session, SessionData } from "express-session";
import { inflateCookie } from "../data/inflate-cookie.ts";
import { changedKeys, copyKey, hasChanges, sameUnder } from "../data/merge.ts";
import { isSameCookie, mergeCookies } from "../data/merge-cookies.ts";
import { parsedOnce } from "../data/parsed-once.ts";
import { cookieOf, copyCookie, type SessionCookie } from "../data/session-cookie.ts";
import type { SessionFormat } from "../data/session-format.ts";
import type { Base } from "../session-store.ts";

/**
 * Copies what others have saved into a session, where the session is unchanged since `before`. `before` is in the
 * comparable form. What the app has changed since then stays, and so do the values under the keys of `except`.
 */
export function takeOver(
  session: Session,
  before: SessionData,
  theirs: SessionData,
  { except, format }: { except: ReadonlySet<string>; format: SessionFormat },
): void {
  const mine = format.comparable(session as unknown as SessionData);
  for (const key of changedKeys(before, format.comparable(theirs))) {
    if (!except.has(key) && sameUnder(key, before, mine)) copyKey(theirs, session, key);
  }
  takeOverCookie(session, mergeCookies(before.cookie, session.cookie, theirs.cookie));
}

/**
 * Whether a session differs from what is stored. If nothing is stored, whether it has data that is worth storing; a
 * cookie alone is not.
 */
export function differs(session: Session, base: Base | undefined, format: SessionFormat): boolean {
  const data = session as unknown as SessionData;
  if (!base) return hasChanges({}, format.comparable(data));
  // A closer comparison is needed only if the texts differ. A moved expiry or another order of keys is no change.
  if (format.json(data) === base.json) return false;
  const before = parsedOnce(base.json);
  return (
    hasChanges(before, format.comparable(data)) ||
    !isSameCookie(inflatedCookie(before.cookie), cookieOf(session))
  );
}

/** Copies a cookie into the object that the app holds and may go on changing. */
export function takeOverCookie(session: Session, theirs: SessionData["cookie"]): void {
  copyCookie(inflatedCookie(theirs), cookieOf(session));
}

/** Returns a stored cookie as a Cookie of this package. */
export function inflatedCookie(cookie: SessionData["cookie"]): SessionCookie {
  return inflateCookie(cookie) as unknown as SessionCookie;
}
