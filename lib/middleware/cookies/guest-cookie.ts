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

/** Nobody may guess the key of somebody else, whose connections would come back for it. */
const KEY_BYTES = 16;
const KEY = /^[\w-]{22}$/;

/** Keys that are read of one request; those beyond are read of the next. */
const MAX_KEYS = 20;

const NONE: readonly string[] = [];

/** A new key for the browser of a guest. */
export function newGuestKey(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

/** What a guest is known by whose cookie names a session that is gone: no key that a cookie can hold. */
export function keyOfSession(sid: string): string {
  return `session:${digestOf(sid)}`;
}

/** The keys that a request's browser was given as a guest's, the oldest first. */
export function guestKeysOf(req: Request, { name }: SessionConfig): readonly string[] {
  // Most requests have none, and are spared the parsing.
  if (!req.headers.cookie?.includes(INFIX)) return NONE;
  const prefix = name + INFIX;
  return Object.keys(requestCookies(req))
    .filter((given) => given.startsWith(prefix) && KEY.test(given.slice(prefix.length)))
    .slice(0, MAX_KEYS)
    .map((given) => given.slice(prefix.length));
}

/**
 * The Set-Cookie line that has a browser keep a guest's key, or forget it, with the attributes of the session's cookie.
 *
 * The key is in the name: handshakes that are made at the same time would take one cookie from each other, and all but
 * one connection could not be found.
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

/** Tells all nodes that the client of a request has a user now; `sid` is the session's id, `requestedId` that of the client's cookie. */
export function tellGuestLogin(
  req: Request,
  config: SessionConfig,
  sid: string,
  requestedId: string | undefined,
): void {
  const keys = guestKeysOf(req, config);
  // To a session that goes on under its own id connections are bound.
  const isGone = requestedId !== undefined && requestedId !== sid;
  GuestLogins.of(config.node).tell(isGone ? [...keys, keyOfSession(requestedId)] : keys);
}

/**
 * Takes the keys from a client that has a user now. One that the login's request has not shown was given by a handshake
 * that was under way then: it is told of here.
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
