import type { Session, SessionData } from "express-session";
import { inflateCookie } from "../data/inflate-cookie.ts";
import { changedKeys, copyKey, hasChanges, sameUnder } from "../data/merge.ts";
import { isSameCookie, mergeCookies } from "../data/merge-cookies.ts";
import { parsedOnce } from "../data/parsed-once.ts";
import { cookieOf, copyCookie, type SessionCookie } from "../data/session-cookie.ts";
import type { SessionFormat } from "../data/session-format.ts";
import type { Base } from "../session-store.ts";

/**
 * Puts what others have saved into a session, where it still is as it was at `before`, which is in the comparable form: what the app has changed since
 * then stays, and so does what stands under the keys of `except`.
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

/** Whether a session differs from what is stored, or would be worth to be stored if nothing is: for its cookie alone none is. */
export function differs(session: Session, base: Base | undefined, format: SessionFormat): boolean {
  const data = session as unknown as SessionData;
  if (!base) return hasChanges({}, format.comparable(data));
  // Only if the texts differ is it worth to ask where: a moved expiry or another key order is no change.
  if (format.json(data) === base.json) return false;
  const before = parsedOnce(base.json);
  return (
    hasChanges(before, format.comparable(data)) ||
    !isSameCookie(inflatedCookie(before.cookie), cookieOf(session))
  );
}

/** Puts a cookie into the one that the app has, and may go on to change. */
export function takeOverCookie(session: Session, theirs: SessionData["cookie"]): void {
  copyCookie(inflatedCookie(theirs), cookieOf(session));
}

/** A stored cookie as a Cookie of ours. */
export function inflatedCookie(cookie: SessionData["cookie"]): SessionCookie {
  return inflateCookie(cookie) as unknown as SessionCookie;
}
