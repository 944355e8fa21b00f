import session, { type SessionData } from "express-session";
import { sessionUnreadable } from "./session-store.ts";

const Cookie = session.Cookie as unknown as new (options: object) => SessionData["cookie"];

/** An express-session Cookie with these options; of exactly the age they name, of which express-session may take a moment. */
export function newCookie(options: { maxAge?: unknown; expires?: unknown }): SessionData["cookie"] {
  const cookie = new Cookie(options);
  // Of the two, the later one counts.
  if (typeof options.maxAge === "number" && options.expires === undefined)
    cookie.originalMaxAge = options.maxAge;
  return cookie;
}

/** Makes express-session's Cookie of stored data, as its `Store.createSession` does. */
export function inflateCookie(data: SessionData["cookie"]): SessionData["cookie"] {
  try {
    const cookie = newCookie(data);
    if (typeof data.expires === "string") cookie.expires = new Date(data.expires);
    // Last, because setting `expires` computes it anew.
    cookie.originalMaxAge = data.originalMaxAge;
    return cookie;
  } catch {
    throw sessionUnreadable();
  }
}
