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
import { BoundSession } from "../sessions/bound-session.ts";
import { bounded } from "../sessions/bounded.ts";
import { BoundedSessionStore } from "../sessions/bounded-session-store.ts";
import { Bounds } from "../sessions/bounds.ts";
import { relayEndings } from "../sessions/ending-relay.ts";
import { SaveQueues } from "../sessions/save-queues.ts";
import { isSessionStore, type SessionStore } from "../sessions/session-store.ts";
import { loginOf } from "../users/login.ts";
import type { SessionIndex } from "../users/session-index.ts";
import { userIdOf as checkedId } from "../users/user.ts";
import { type UserIdOf, UserIndexedStore } from "../users/user-indexed-store.ts";
import { isSecret, secretList } from "./cookie.ts";

/** The session cookie: express-session's options. `"auto"` decides by the connection. */
export type SessionCookieOptions = Omit<ExpressSessionCookieOptions, "sameSite"> & {
  /** As in express-session; `"auto"` is `"none"` over TLS and `"lax"` without. */
  sameSite?: ExpressSessionCookieOptions["sameSite"] | "auto";
};

/** Makes the cookie's options of a request. */
export type SessionCookieFunction = (req: Request) => SessionCookieOptions;

/** Options of `sessionMiddleware`: those of express-session with its meanings, and the stack's own. */
export interface SessionMiddlewareOptions {
  /**
   * Signs the session cookie. Of several the first signs and all are accepted; an array is read at each request, so that
   * secrets can be changed while the app runs.
   *
   * @default `req.secret` and all secrets of `cookieMiddleware`
   */
  secret?: CipherKey | CipherKey[];
  /** Where sessions live and how nodes talk. @default memoryBackend() */
  backend?: Backend;
  /** Any express-session store; takes the place of the backend's. */
  store?: Store;
  /** The session cookie, or a function of the request that gives it. @default { path: "/", httpOnly: true, sameSite: "lax", secure: "auto" } */
  cookie?: SessionCookieOptions | SessionCookieFunction;
  /** The session cookie's name. @default "connect.sid" */
  name?: string;
  /** express-session's old name of `name`, which takes precedence. */
  key?: string;
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
  /**
   * Under which name a session keeps who logged in with it, for apps that have a `login` of their own. In TypeScript the
   * interface `LoginKey` of express-session's module says it as well. @default "login"
   */
  loginKey?: string;
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
  | "loginKey";

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
  loginKey: "login",
});

const COOKIE_DEFAULTS: Readonly<SessionCookieOptions> = Object.freeze({
  path: "/",
  httpOnly: true,
  sameSite: "lax",
  secure: "auto",
});

/** The options with their defaults, checked. */
export interface SessionConfig extends Required<Pick<SessionMiddlewareOptions, DefaultedOption>> {
  /** The array that the app has given, which it may change; `undefined` without the option. */
  readonly secrets: readonly CipherKey[] | undefined;
  readonly proxy: boolean | undefined;
  readonly backend: Backend;
  readonly store: SessionStore;
  readonly saves: SaveQueues;
  readonly index: SessionIndex;
  readonly node: Node;
  readonly bounds: Bounds;
  readonly userIdOf: UserIdOf;
  readonly cookieOptions: (req: Request) => SessionCookieOptions;
}

/** Checks the options and puts the defaults under them. @throws {TypeError} that names the option. */
export function sessionConfig(options: SessionMiddlewareOptions): SessionConfig {
  const name = options.name ?? options.key ?? DEFAULTS.name;
  const given = { ...DEFAULTS, ...defined(options), name };
  const { cookie = {}, saveEveryRequest = false, secret, store, proxy } = options;
  const secrets = secretList(secret);
  check(
    secret === undefined || (secrets.length > 0 && secrets.every(isSecret)),
    "secret",
    "a secret that is not empty, or a secret option array with one or more such",
  );
  check(isCookie(name), options.name === undefined ? "key" : "name", "the name of a cookie");
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

  check(isLoginKey(given.loginKey), "loginKey", 'a name of yours, not empty, such as "signedIn"');
  const { userId = (session: SessionData) => loginOf(session, given.loginKey)?.userId } = options;
  check(typeof userId === "function", "userId", "a function");
  const backend = options.backend ?? memoryBackend();
  const bounds = new Bounds(given.timeoutMs);
  const index = bounded(backend.sessionIndex, bounds);
  const sessions = new BoundedSessionStore(chooseStore(store, backend, given.timeoutMs), bounds);
  relayEndings(sessions.endings, backend.node);
  const userIdOf: UserIdOf = (session) => checkedUserId(userId(session));
  const indexedStore = new UserIndexedStore(sessions, index, userIdOf);

  const fixedCookie = typeof cookie === "object" ? { ...COOKIE_DEFAULTS, ...cookie } : undefined;
  return {
    ...given,
    resave: given.resave || saveEveryRequest,
    rolling: given.rolling || saveEveryRequest,
    secrets: secret === undefined ? undefined : secrets,
    proxy,
    backend,
    store: indexedStore,
    saves: new SaveQueues({ store: indexedStore, timeoutMs: given.timeoutMs, userIdOf }),
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

/** Whether a session may keep something under this name: it has members of its own. */
function isLoginKey(key: unknown): boolean {
  return (
    typeof key === "string" && !["", "cookie", "id", "req"].includes(key) && !(key in BoundSession.prototype)
  );
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
