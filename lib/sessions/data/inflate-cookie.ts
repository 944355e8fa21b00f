import type { SessionData } from "express-session";
import { assertSessionData, type SessionStore, sessionUnreadable } from "../session-store.ts";
import { ageOf, copyCookie, SessionCookie } from "./session-cookie.ts";

type Cookie = SessionData["cookie"];

/**
 * Creates a Cookie with these options.
 *
 * @throws {TypeError} that names the wrong option.
 */
export function newCookie(options: { maxAge?: unknown; expires?: unknown }): Cookie {
  const cookie = new SessionCookie(options);
  // The constructor lets the later of the two win. An `expires` that is undefined must not undo `maxAge`.
  if (options.maxAge !== undefined && options.expires === undefined) cookie.maxAge = options.maxAge;
  return cookie as unknown as Cookie;
}

/**
 * Makes a Cookie from its stored form.
 *
 * @throws {SessionStackError} `ERR_SESSION_UNREADABLE` if that is no cookie.
 */
export function inflateCookie(data: Cookie): Cookie {
  if ((data as unknown) instanceof SessionCookie) return data;
  try {
    const cookie = new SessionCookie(data);
    const { originalMaxAge, expires } = data;
    // For express-session a number or a text given as the expiry is also the age.
    if ((originalMaxAge as unknown) !== expires || !expires) cookie.originalMaxAge = ageOf(originalMaxAge);
    return cookie as unknown as Cookie;
  } catch {
    throw sessionUnreadable();
  }
}

/**
 * Validates data that comes out of a store. From here on its cookie is a Cookie.
 *
 * @throws {SessionStackError} as above.
 */
export function sessionDataOf(data: unknown): SessionData {
  assertSessionData(data);
  data.cookie = inflateCookie(data.cookie);
  return data;
}

/**
 * Returns the session that came out of a store, or `undefined` for data that is no session. Such data belongs to
 * nobody.
 */
export function readableData(data: unknown): SessionData | undefined {
  try {
    return sessionDataOf(data);
  } catch {
    return undefined;
  }
}

/** Returns the milliseconds that a session lives from its next touch on, however much of its life is left now. */
export function touchedLifeMs(store: Pick<SessionStore, "lifeMs">, data: SessionData): number {
  const cookie = copyCookie(inflateCookie(data.cookie) as unknown as SessionCookie);
  cookie.maxAge = cookie.originalMaxAge;
  return store.lifeMs({ ...data, cookie: cookie as unknown as Cookie });
}
