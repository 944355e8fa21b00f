import type { SessionData } from "express-session";
import { assertSessionData, type SessionStore, sessionUnreadable } from "../session-store.ts";
import { ageOf, copyCookie, SessionCookie } from "./session-cookie.ts";

type Cookie = SessionData["cookie"];

/** A Cookie with these options. @throws {TypeError} that names the one which is wrong. */
export function newCookie(options: { maxAge?: unknown; expires?: unknown }): Cookie {
  const cookie = new SessionCookie(options);
  // Of the two, the later one counts.
  if (options.maxAge !== undefined && options.expires === undefined) cookie.maxAge = options.maxAge;
  return cookie as unknown as Cookie;
}

/** Makes a Cookie of what is stored of one. @throws {SessionStackError} `ERR_SESSION_UNREADABLE` if it is none. */
export function inflateCookie(data: Cookie): Cookie {
  if ((data as unknown) instanceof SessionCookie) return data;
  try {
    const cookie = new SessionCookie(data);
    const { originalMaxAge, expires } = data;
    // express-session takes a number or a text as an expiry for the age as well.
    if ((originalMaxAge as unknown) !== expires || !expires) cookie.originalMaxAge = ageOf(originalMaxAge);
    return cookie as unknown as Cookie;
  } catch {
    throw sessionUnreadable();
  }
}

/** The door: what comes out of a store, whose cookie is a Cookie from here on. @throws {SessionStackError} as above. */
export function sessionDataOf(data: unknown): SessionData {
  assertSessionData(data);
  data.cookie = inflateCookie(data.cookie);
  return data;
}

/** What comes out of a store, and nothing for what is no session: it is nobody's. */
export function readableData(data: unknown): SessionData | undefined {
  try {
    return sessionDataOf(data);
  } catch {
    return undefined;
  }
}

/** Milliseconds that a session lives from its next touch on, whatever is left of its life now. */
export function touchedLifeMs(store: Pick<SessionStore, "lifeMs">, data: SessionData): number {
  const cookie = copyCookie(inflateCookie(data.cookie) as unknown as SessionCookie);
  cookie.maxAge = cookie.originalMaxAge;
  return store.lifeMs({ ...data, cookie: cookie as unknown as Cookie });
}
