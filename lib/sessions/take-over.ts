import type { Session, SessionData } from "express-session";
import { inflateCookie } from "./inflate-cookie.ts";
import { changedKeys, copyKey, sameUnder } from "./merge.ts";
import { mergeCookies } from "./merge-cookies.ts";
import { cookieOf, copyCookie, type SessionCookie } from "./session-cookie.ts";

/**
 * Puts what others have saved into a session, where it still is as it was at `before`: what the app has changed since
 * then stays, and so does what stands under the keys of `except`.
 */
export function takeOver(
  session: Session,
  before: SessionData,
  theirs: SessionData,
  except: ReadonlySet<string>,
): void {
  for (const key of changedKeys(before, theirs)) {
    if (!except.has(key) && sameUnder(key, before, session)) copyKey(theirs, session, key);
  }
  takeOverCookie(session, mergeCookies(before.cookie, session.cookie, theirs.cookie));
}

/** Puts a cookie into the one that the app has, and may go on to change. */
export function takeOverCookie(session: Session, theirs: SessionData["cookie"]): void {
  copyCookie(inflatedCookie(theirs), cookieOf(session));
}

/** A stored cookie as a Cookie of ours. */
export function inflatedCookie(cookie: SessionData["cookie"]): SessionCookie {
  return inflateCookie(cookie) as unknown as SessionCookie;
}
