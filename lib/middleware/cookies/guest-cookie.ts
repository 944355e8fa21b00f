import { randomBytes } from "node:crypto";
import { type SerializeOptions, serialize } from "cookie";
import type { Request, Response } from "express";
import type { SessionData } from "express-session";
import { digestOf } from "../../sessions/session-digest.ts";
import { GuestLogins } from "../../users/login/guest-logins.ts";
import type { SessionConfig } from "../session-options.ts";
import { requestCookies } from "./parse-cookies.ts";
import { appendCookie, cookieData } from "./set-cookie.ts";

/** Stands between the session cookie's name and the key. */
const INFIX = ".guest.";

/** Nobody may guess another guest's key, because that guest's connections would come back for it. */
const KEY_BYTES = 16;
const KEY = /^[\w-]{22}$/;

/** Number of keys that are read from one request. The next request reads the keys beyond it. */
const MAX_KEYS = 20;

const NONE: readonly string[] = [];

/** A new key for the browser of a guest. */
export function newGuestKey(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

/** The name of a guest whose cookie names a session that is gone. It is no key that a cookie can hold. */
export function keyOfSession(sid: string): string {
  return `session:${digestOf(sid)}`;
}

/** The keys that a request's browser was given as a guest, the oldest first. */
export function guestKeysOf(req: Request, { name }: SessionConfig): readonly string[] {
  // Most requests have no keys. They are spared the parsing.
  if (!req.headers.cookie?.includes(INFIX)) return NONE;
  const prefix = name + INFIX;
  return Object.keys(requestCookies(req))
    .filter((given) => given.startsWith(prefix) && KEY.test(given.slice(prefix.length)))
    .slice(0, MAX_KEYS)
    .map((given) => given.slice(prefix.length));
}

/**
 * The Set-Cookie line that makes a browser keep or forget a guest's key. It has the attributes of the session's cookie.
 *
 * The key is part of the cookie's name. Simultaneous handshakes would overwrite a common cookie of each other, and only
 * one of their connections could be found.
 */
export function guestCookie(
  { name }: SessionConfig,
  key: string,
  cookie: SessionData["cookie"],
  { isForgotten = false }: { isForgotten?: boolean } = {},
): string {
  const { expires: _, ...attributes } = cookieData(cookie);
  const options: SerializeOptions = { ...attributes, httpOnly: true };
  if (isForgotten) options.expires = new Date(0);
  return serialize(name + INFIX + key, "1", options);
}

/** Tells all nodes that a request's client has a user now. `sid` is the session's id, `requestedId` the cookie's. */
export function tellGuestLogin(
  req: Request,
  config: SessionConfig,
  sid: string,
  requestedId: string | undefined,
): void {
  const keys = guestKeysOf(req, config);
  // A session that keeps its id also keeps the connections that are bound to it.
  const isGone = requestedId !== undefined && requestedId !== sid;
  GuestLogins.of(config.node).tell(isGone ? [...keys, keyOfSession(requestedId)] : keys);
}

/**
 * Takes the keys from a client that has a user now. A key that the login's request did not contain comes from a
 * handshake that was under way at that time. The nodes are told of such a key here.
 */
export function dismissGuest(
  req: Request,
  config: SessionConfig,
  res: Response,
  cookie: SessionData["cookie"],
): void {
  const keys = guestKeysOf(req, config);
  if (keys.length === 0) return;
  const logins = GuestLogins.of(config.node);
  logins.tell(keys.filter((key) => !logins.isRecent(key)));
  for (const key of keys) appendCookie(res, guestCookie(config, key, cookie, { isForgotten: true }));
}
