import type { CipherKey } from "node:crypto";
import { randomBytes } from "node:crypto";
import { type SerializeOptions, serialize } from "cookie";
import type { Request, Response } from "express";
import type { CookieOptions as ExpressSessionCookieOptions, SessionData, Store } from "express-session";
import type { Backend } from "../backend.ts";
import type { Node } from "../bus/node.ts";
import { isDelay } from "../is-delay.ts";
import { memoryBackend } from "../memory-backend.ts";
import { AnySessionStore } from "../sessions/any-session-store.ts";
import { bounded } from "../sessions/bounded.ts";
import { BoundedSessionStore } from "../sessions/bounded-session-store.ts";
import { Bounds } from "../sessions/bounds.ts";
import { relayEndings } from "../sessions/ending-relay.ts";
import { isSessionStore, type SessionStore } from "../sessions/session-store.ts";
import type { SessionIndex } from "../users/session-index.ts";
import { userIdOf as checkedId } from "../users/user.ts";
import { type UserIdOf, UserIndexedStore } from "../users/user-indexed-store.ts";
import { isSecret, secretList } from "./cookie.ts";

/** The session cookie: express-session's options. `"auto"` decides by the connection. */
export type SessionCookieOptions = Omit<ExpressSessionCookieOptions, "sameSite" | "expires" | "maxAge"> & {
  /** When the cookie expires: a Date, its text, or milliseconds since the epoch; `null` and `false` are for none. */
  expires?: Date | string | number | null | false | undefined;
  /** Milliseconds until the cookie expires; `null` and `false` are for none. */
  maxAge?: number | null | false | undefined;
  /** As in express-session; `"auto"` is `"none"` over TLS and `"lax"` without. */
  sameSite?: ExpressSessionCookieOptions["sameSite"] | "auto";
};

/** Makes the cookie's options of a request. */
export type SessionCookieFunction = (req: Request) => SessionCookieOptions;

/** Options of `sessionMiddleware`: those of express-session with its meanings, and the stack's own. */
export interface SessionMiddlewareOptions {
  /** Signs the session cookie; of several, the first signs and all are accepted. @default `req.secret`, as `cookieMiddleware` sets it */
  secret?: CipherKey | CipherKey[];
  /** Where sessions live and how nodes talk. @default memoryBackend() */
  backend?: Backend;
  /** Any express-session store; takes the place of the backend's. */
  store?: Store;
  /** The session cookie, or a function of the request that gives it. @default { path: "/", httpOnly: true, sameSite: "lax", secure: "auto" } */
  cookie?: SessionCookieOptions | SessionCookieFunction;
  /** The session cookie's name. @default "connect.sid" */
  name?: string;
  /** Makes the id of a new session. It must be unique and impossible to guess. @default 24 random bytes */
  genid?: (req: Request) => string;
  /** Whether `X-Forwarded-Proto` says that a connection is secure. @default the app's `trust proxy` */
  proxy?: boolean;
  /** Saves a session also when it was not changed. @default false */
  resave?: boolean;
  /** Sends the session cookie with each response, so that its age begins anew. @default false */
  rolling?: boolean;
  /** Stores and sends a session that is new and has nothing in it. @default false */
  saveUninitialized?: boolean;
  /** What becomes of the stored session when `req.session` is unset. @default "keep" */
  unset?: "destroy" | "keep";

  /** Saves the session and sends its cookie with every response: `resave` and `rolling` in one. @default false */
  saveEveryRequest?: boolean;
  /** A response that saves nothing and sets no session cookie. @default (res) => res.statusCode === 500 */
  saveUnless?: (res: Response) => boolean;
  /**
   * Milliseconds before a session that is only read is touched in the store again; at most half of its
   * life, so that no session ends while it is used. `0` touches with every request. @default 60_000
   */
  touchAfterMs?: number;
  /**
   * Whose session this is: an id, or nobody. For passport: `(session) => session.passport?.user`, or what of it is the id.
   *
   * @default what `logIn` wrote: `session.login?.userId`
   */
  userId?: (session: SessionData) => string | number | undefined;
  /** Milliseconds that any one thing asked of the store may take. @default 2000 */
  timeoutMs?: number;
}

type DefaultedOption =
  | "name"
  | "genid"
  | "resave"
  | "rolling"
  | "saveUninitialized"
  | "unset"
  | "saveUnless"
  | "touchAfterMs"
  | "timeoutMs"
  | "userId";

const DEFAULTS: Readonly<Required<Pick<SessionMiddlewareOptions, DefaultedOption>>> = Object.freeze({
  name: "connect.sid",
  genid: (): string => randomBytes(24).toString("base64url"),
  resave: false,
  rolling: false,
  saveUninitialized: false,
  unset: "keep",
  saveUnless: (res: Response): boolean => res.statusCode === 500,
  touchAfterMs: 60_000,
  timeoutMs: 2000,
  userId: (session: SessionData) => session.login?.userId,
});

const COOKIE_DEFAULTS: Readonly<SessionCookieOptions> = Object.freeze({
  path: "/",
  httpOnly: true,
  sameSite: "lax",
  secure: "auto",
});

/** The options with their defaults, checked. */
export interface SessionConfig
  extends Required<Omit<Pick<SessionMiddlewareOptions, DefaultedOption>, "userId">> {
  readonly secrets: readonly CipherKey[];
  readonly proxy: boolean | undefined;
  readonly backend: Backend;
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly node: Node;
  readonly bounds: Bounds;
  readonly userIdOf: UserIdOf;
  readonly cookieOptions: (req: Request) => SessionCookieOptions;
}

/** Checks the options and puts the defaults under them. @throws {TypeError} that names the option. */
export function sessionConfig(options: SessionMiddlewareOptions): SessionConfig {
  const given = { ...DEFAULTS, ...defined(options) };
  const { cookie = {}, saveEveryRequest = false, secret, store, proxy } = options;
  const secrets = secretList(secret);
  check(
    secret === undefined || (secrets.length > 0 && secrets.every(isSecret)),
    "secret",
    "a secret that is not empty, or an array of such",
  );
  check(isCookie(given.name), "name", "the name of a cookie");
  check(typeof given.genid === "function", "genid", "a function");
  check(typeof given.saveUnless === "function", "saveUnless", "a function");
  check(given.touchAfterMs >= 0, "touchAfterMs", "a number of milliseconds, 0 or more");
  check(isDelay(given.timeoutMs), "timeoutMs", "a number of milliseconds, more than 0, below 2 ** 31");
  check(["destroy", "keep"].includes(given.unset), "unset", '"destroy" or "keep"');
  check(
    typeof cookie === "function" || (typeof cookie === "object" && cookie !== null),
    "cookie",
    "an object or a function",
  );
  check(
    typeof cookie === "function" ||
      isCookie("a", { domain: cookie.domain, path: cookie.path } as SerializeOptions),
    "cookie",
    "an object with a valid domain and path",
  );
  check(store === undefined || typeof store?.get === "function", "store", "an express-session store");

  check(typeof given.userId === "function", "userId", "a function");
  const backend = options.backend ?? memoryBackend();
  const bounds = new Bounds(given.timeoutMs);
  const index = bounded(backend.sessionIndex, bounds);
  const sessions = new BoundedSessionStore(chooseStore(store, backend, given.timeoutMs), bounds);
  relayEndings(sessions.endings, backend.node);
  const userIdOf: UserIdOf = (session) => checkedUserId(given.userId(session));

  const fixedCookie = typeof cookie === "object" ? { ...COOKIE_DEFAULTS, ...cookie } : undefined;
  return {
    ...given,
    resave: given.resave || saveEveryRequest,
    rolling: given.rolling || saveEveryRequest,
    secrets,
    proxy,
    backend,
    store: new UserIndexedStore(sessions, index, userIdOf),
    index,
    node: backend.node,
    bounds,
    userIdOf,
    cookieOptions: (req) => fixedCookie ?? { ...COOKIE_DEFAULTS, ...(cookie as SessionCookieFunction)(req) },
  };
}

function chooseStore(store: Store | undefined, backend: Backend, timeoutMs: number): SessionStore {
  if (!store) return backend.sessions;
  return isSessionStore(store) ? store : AnySessionStore.over(store, timeoutMs);
}

/** Nobody, or what has a text of its own, such as an id of a database: all else would be one and the same user. */
function checkedUserId(given: unknown): string | undefined {
  if (given === undefined || given === null || given === "" || given === false) return undefined;
  const isId =
    typeof given === "object"
      ? ![undefined, Object.prototype.toString, Array.prototype.toString].includes(given.toString)
      : ["string", "bigint"].includes(typeof given) || Number.isFinite(given);
  check(
    isId,
    "userId",
    "a function that answers with an id, such as `(session) => session.passport?.user?.id`",
  );
  return checkedId(String(given));
}

/** Whether a cookie can be written so. */
function isCookie(name: string, options: SerializeOptions = {}): boolean {
  try {
    return serialize(name, "", options) !== "";
  } catch {
    return false;
  }
}

function check(holds: boolean, option: keyof SessionMiddlewareOptions, expected: string): void {
  if (!holds) throw new TypeError(`sessionMiddleware: option "${option}" must be ${expected}`);
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
