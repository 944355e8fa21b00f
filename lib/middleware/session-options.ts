import type { CipherKey } from "node:crypto";
import { randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import type { SessionData, Store } from "express-session";
import { type Backend, isBackend } from "../backend/backend.ts";
import { memoryBackend } from "../backend/memory-backend.ts";
import type { Node } from "../bus/node/node.ts";
import { bounded } from "../calls/bounded.ts";
import { Bounds } from "../calls/bounds.ts";
import { isText } from "../names/is-text.ts";
import { optionsCheck, wrongOption } from "../options/options-check.ts";
import { over } from "../options/options-object.ts";
import { aFunction, delay, hasMethods, oneOf, type Rule, type Rules, trueOrFalse } from "../options/rule.ts";
import { AnySessionStore } from "../sessions/any-session-store.ts";
import { BoundedSessionStore } from "../sessions/bounded-session-store.ts";
import { relayEndings } from "../sessions/ending-relay.ts";
import { isDataKey } from "../sessions/record/bound-session.ts";
import { SaveQueues } from "../sessions/saving/save-queues.ts";
import { isSessionStore, type SessionStore } from "../sessions/session-store.ts";
import { loginOf } from "../users/login/login.ts";
import { userIdOf as checkedId } from "../users/login/user.ts";
import { endLostSessions } from "../users/session-index/lost-sessions.ts";
import type { SessionIndex } from "../users/session-index/session-index.ts";
import { type UserIdOf, UserIndexedStore } from "../users/session-index/user-indexed-store.ts";
import { isSecret, secretList } from "./cookie.ts";
import {
  cookieOptionsBy,
  cookieRule,
  isCookie,
  type SessionCookieFunction,
  type SessionCookieOptions,
} from "./cookies/session-cookie-options.ts";
import { storeRule } from "./store-rule.ts";

/** Options of `sessionMiddleware`. They are express-session's options with the same meanings, and the stack's own. */
export interface SessionMiddlewareOptions {
  /**
   * Signs the session cookie. The first of several secrets signs, and all of them are accepted. An array is read at
   * each request, so that secrets can be changed while the app runs.
   *
   * @default `req.secret` and all secrets of `cookieMiddleware`
   */
  secret?: CipherKey | CipherKey[];
  /** Stores the sessions and connects the nodes. @default memoryBackend() */
  backend?: Backend;
  /** Any express-session store. It replaces the backend's store. */
  store?: Store;
  /**
   * The session cookie, or a function of the request that returns it.
   *
   * @default { path: "/", httpOnly: true, sameSite: "lax", secure: "auto" }
   */
  cookie?: SessionCookieOptions | SessionCookieFunction;
  /** The session cookie's name. @default "connect.sid" */
  name?: string;
  /** express-session's old name of `name`. If both are given, `name` counts. */
  key?: string;
  /** Makes the id of a new session. It must be unique and impossible to guess. @default 24 random bytes */
  genid?: (req: Request) => string;
  /** Whether `X-Forwarded-Proto` says that a connection is secure. @default the app's `trust proxy` */
  proxy?: boolean;
  /** Saves a session even if it was not changed. @default false */
  resave?: boolean;
  /** Sends the session cookie with each response, so that its age begins anew. @default false */
  rolling?: boolean;
  /** Stores a new session that is empty, and sends its cookie. @default false */
  saveUninitialized?: boolean;
  /** Whether the stored session is kept or destroyed when `req.session` is unset. @default "keep" */
  unset?: "destroy" | "keep";

  /** Saves the session and sends its cookie with every response. It combines `resave` and `rolling`. @default false */
  saveEveryRequest?: boolean;
  /** Says which responses save nothing and set no session cookie. @default (res) => res.statusCode === 500 */
  saveUnless?: (res: Response) => boolean;
  /**
   * Milliseconds before a session that is only read is touched in the store again. The wait is at most half of the
   * session's life, so that no session ends while it is used. `0` touches with every request. @default 60_000
   */
  touchAfterMs?: number;
  /**
   * Returns the id of the session's user, or `undefined` for nobody. Passport needs
   * `(session) => session.passport?.user`, or the part of that value that is the id.
   *
   * @default what `logIn` wrote: `session.login?.userId`
   */
  userId?: (session: SessionData) => string | number | undefined;
  /**
   * The name under which a session keeps its login, for apps with a `login` of their own. In TypeScript the
   * interface `LoginKey` of express-session's module must state the name as well. @default "login"
   */
  loginKey?: string;
  /** Milliseconds that each call to the store, or to another part of the backend, may take. @default 2000 */
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

const nameRule: Rule = {
  expected: "the name of a cookie: letters, digits and any of !#$%&'*+-.^_`|~",
  isRight: (value) => typeof value === "string" && isCookie(value),
};

const RULES: Rules<SessionMiddlewareOptions> = {
  secret: {
    expected: "a secret that is not empty, or an array of such",
    isRight: (value) => {
      const secrets = secretList(value as CipherKey);
      return secrets.length > 0 && secrets.every(isSecret);
    },
    fix: (value) => (Array.isArray(value) ? "the secret option array must have one or more" : undefined),
  },
  backend: {
    expected: "what memoryBackend() or redisBackend({ client }) returns",
    isRight: isBackend,
    fix: (value) => (hasMethods(value, "get", "set") ? 'an express-session store is for "store"' : undefined),
  },
  store: storeRule,
  cookie: cookieRule,
  name: nameRule,
  key: nameRule,
  loginKey: { expected: 'a name of yours, not empty, such as "signedIn"', isRight: isDataKey },
  genid: aFunction,
  proxy: trueOrFalse,
  resave: trueOrFalse,
  rolling: trueOrFalse,
  saveUninitialized: trueOrFalse,
  unset: oneOf("destroy", "keep"),
  saveEveryRequest: trueOrFalse,
  saveUnless: aFunction,
  touchAfterMs: {
    expected: "a number of milliseconds, 0 or more",
    isRight: (value) => typeof value === "number" && value >= 0,
  },
  userId: aFunction,
  timeoutMs: delay,
};

const checked = optionsCheck<SessionMiddlewareOptions>("sessionMiddleware", RULES);

/** The options with their defaults, checked. */
export interface SessionConfig extends Required<Pick<SessionMiddlewareOptions, DefaultedOption>> {
  /** The array that the app has given. The app may change it. `undefined` without the option. */
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
export function sessionConfig(options?: SessionMiddlewareOptions): SessionConfig {
  const config = checked(options);
  const name = config.name ?? config.key ?? DEFAULTS.name;
  const given = over(DEFAULTS, { ...config, name });
  const { cookie = {}, saveEveryRequest = false, secret, store, proxy } = given;
  const { userId = (session: SessionData) => loginOf(session, given.loginKey)?.userId } = given;
  const backend = given.backend ?? memoryBackend();
  const bounds = new Bounds(given.timeoutMs);
  const index = bounded(backend.sessionIndex, bounds);
  const sessions = new BoundedSessionStore(chooseStore(store, backend, given.timeoutMs), bounds);
  relayEndings(sessions.endings, backend.node);
  const userIdOf: UserIdOf = (session) => checkedUserId(userId(session));
  const indexedStore = new UserIndexedStore(sessions, index, userIdOf);
  endLostSessions(backend.node, { store: indexedStore, index, userIdOf });
  return {
    ...given,
    resave: given.resave || saveEveryRequest,
    rolling: given.rolling || saveEveryRequest,
    genid: (req) => textOf(given.genid(req)),
    saveUnless: (res) => atOnce(given.saveUnless(res)),
    secrets: secret === undefined ? undefined : secretList(secret),
    proxy,
    backend,
    store: indexedStore,
    saves: new SaveQueues({ store: indexedStore, timeoutMs: given.timeoutMs, userIdOf }),
    index,
    node: backend.node,
    bounds,
    userIdOf,
    cookieOptions: cookieOptionsBy(cookie, name),
  };
}

function chooseStore(store: Store | undefined, backend: Backend, timeoutMs: number): SessionStore {
  if (!store) return backend.sessions;
  return isSessionStore(store) ? store : AnySessionStore.over(store, timeoutMs);
}

/** Accepts nobody, or a value with a text of its own, such as a database id. All others would be the same user. */
function checkedUserId(given: unknown): string | undefined {
  if (given === undefined || given === null || given === "" || given === false) return undefined;
  const isId =
    typeof given === "object"
      ? ![undefined, Object.prototype.toString, Array.prototype.toString].includes(given.toString)
      : ["string", "bigint"].includes(typeof given) || Number.isFinite(given);
  const expected = "a function that answers with an id, such as `(session) => session.passport?.user?.id`";
  if (!isId) throw wrongOption("sessionMiddleware", "userId", { expected }, given);
  return checkedId(String(given));
}

/** Refuses an id with the same text for everybody, such as a promise or half a character. All would share a session. */
function textOf(id: unknown): string {
  if (isText(id) && id !== "") return id;
  const expected = "a function that answers at once with a string that is well-formed and not empty";
  throw wrongOption("sessionMiddleware", "genid", { expected }, id);
}

/** Refuses a promise. It would count as true, whatever its result. */
function atOnce(answer: unknown): boolean {
  if (typeof (answer as Partial<Promise<unknown>> | undefined)?.then !== "function") return Boolean(answer);
  const expected = "a function that answers at once with true or false";
  throw wrongOption("sessionMiddleware", "saveUnless", { expected }, answer);
}
