import type { CipherKey } from "node:crypto";
import type { Request } from "express";
import type { SessionData } from "express-session";
import { callBack } from "../calls/callback.ts";
import { isSessionUnreadable } from "../errors.ts";
import { ErrorEvents } from "../observability/error-events.ts";
import { BoundSession } from "../sessions/record/bound-session.ts";
import { GuestLogins } from "../users/login/guest-logins.ts";
import { UserEvents } from "../users/login/user-events.ts";
import { hasKnownSecrets, isSecret, secretsOf } from "./cookie.ts";
import { notCarried, type Obstacle } from "./cookies/not-carried.ts";
import { requestCookies } from "./cookies/parse-cookies.ts";
import { SIGNED, SignatureCache } from "./cookies/signed-value.ts";
import { debugSession } from "./debug-session.ts";
import { OpenSession } from "./open-session.ts";
import { pathnameOf } from "./pathname-of.ts";
import { TouchWindow } from "./response/touch-window.ts";
import type { SessionConfig } from "./session-options.ts";

/** The key of a request's open session. A WeakMap with an entry for each request would keep the collector busy. */
const OPEN: unique symbol = Symbol("express-session-stack.open");
/** The secret for a session without a request. Such a session has no cookie that could be sent. */
const NEVER_SIGNS = "";

type OpenRequest = Request & { [OPEN]?: OpenSession };

/** Opens the sessions of one `sessionMiddleware`, the same way for requests and for connections. */
export class SessionKeeper {
  readonly config: SessionConfig;
  readonly touchWindow: TouchWindow;
  readonly errors: ErrorEvents = new ErrorEvents();
  readonly users: UserEvents = new UserEvents(this.errors);
  readonly guestLogins: GuestLogins;
  readonly #signatures = new SignatureCache();
  readonly #reported = new Set<Obstacle>();
  #isStoreReady = true;

  constructor(config: SessionConfig) {
    this.config = config;
    this.guestLogins = GuestLogins.of(config.node);
    this.touchWindow = new TouchWindow(config.touchAfterMs);
    const store = config.store.expressStore as Request["sessionStore"];
    // The method comes from the class. The store's own may be that of another middleware, and both would form a chain.
    const { regenerate } = Object.getPrototypeOf(store) as typeof store;
    // A session of this library uses its own `regenerate`, so that the new cookie replaces the old one.
    store.regenerate = (req, callback) => {
      if (BoundSession.is(req.session)) callBack(req.session.regenerate(), callback);
      else regenerate.call(store, req, callback);
    };
    // express-session adds these two methods to its store.
    store.generate = (req) => (req as OpenRequest)[OPEN]?.generate();
    const create = (req: Request, data: SessionData) => this.#opened(req).create(data);
    store.createSession = create as typeof store.createSession;
    store.on("disconnect", () => {
      this.#isStoreReady = false;
    });
    store.on("connect", () => {
      this.#isStoreReady = true;
    });
  }

  /** The session that was opened here for a request or connection, if there is one. */
  openOf(req: object): OpenSession | undefined {
    return (req as OpenRequest)[OPEN];
  }

  /** Checks whether the session still exists, so that a refusal carries no replaced cookie. Never rejects. */
  async verifyCookie(req: object): Promise<void> {
    const verifying = async () => this.openOf(req)?.verifyCookie();
    await verifying().catch(() => {});
  }

  /** Whether the store is ready. It is ready unless it has reported a disconnect. */
  get isStoreReady(): boolean {
    return this.#isStoreReady;
  }

  /** Whether this process hears of the sessions that other nodes end. */
  get hasJoinedNodes(): boolean {
    return this.config.node.hasJoined;
  }

  /** Resolves once this process hears of the sessions that other nodes end. */
  joinNodes(): Promise<void> {
    const { bounds, node } = this.config;
    return bounds.call(() => node.join());
  }

  /** Reports a session that was lost for lack of a cookie, once per cause. Every request may have the same cause. */
  reportNotCarried(obstacle: Obstacle, req: Request): void {
    if (this.#reported.has(obstacle)) return;
    this.#reported.add(obstacle);
    this.errors.report(notCarried(obstacle), req);
  }

  /**
   * Puts the request's session into `req.session`. Does so at once if the cookie names no session. Otherwise returns a
   * promise. As in express-session, outside of the cookie's path and while the store is disconnected, the result is
   * `undefined` and the request has no session.
   *
   * Calls `beforeRead` with the id of a session just before it reads the session from the store.
   */
  open(req: Request, beforeRead?: (sid: string) => void): OpenSession | undefined | Promise<OpenSession> {
    if (!this.#isStoreReady) return undefined;
    if (!pathnameOf(req.originalUrl ?? req.url).startsWith(this.config.cookieOptions(req).path ?? "/"))
      return undefined;
    // The app owns the array that it has given, and may have changed it since.
    const secrets = this.config.secrets ?? secretsOf(req);
    const [secret] = secrets;
    if (secret === undefined || !secrets.every(isSecret)) {
      throw new TypeError(
        'sessionMiddleware: option "secret" is required, here or in cookieMiddleware, and none may be empty',
      );
    }
    const id = this.#requestedId(req, secrets);
    const signer = { signatures: this.#signatures, secret };
    const open = new OpenSession(req, this.config, this.users, signer, id);
    (req as OpenRequest)[OPEN] = open;
    req.sessionStore = this.config.store.expressStore as Request["sessionStore"];
    if (id !== undefined) {
      req.sessionID = id;
      beforeRead?.(id);
      return this.#load(req, open, id);
    }
    open.generate();
    return open;
  }

  /** Returns the open session of a request. `store.load` passes an object that was never opened; it is opened here. */
  #opened(req: OpenRequest): OpenSession {
    req.headers ??= {};
    const signer = { signatures: this.#signatures, secret: NEVER_SIGNS };
    req[OPEN] ??= new OpenSession(req, this.config, this.users, signer);
    return req[OPEN];
  }

  #load(req: Request, open: OpenSession, id: string): Promise<OpenSession> {
    const unreadable = (error: unknown) => {
      if (!isSessionUnreadable(error)) throw error;
      open.generate();
      this.errors.report(error, req);
      return open;
    };
    return this.config.store.read(id).then((stored) => {
      try {
        if (!stored) {
          debugSession(req, "not found: it has ended, or has expired");
          return this.#generateFor(req, open, id);
        }
        open.adopt(stored);
        return open;
      } catch (error) {
        return unreadable(error);
      }
    }, unreadable);
  }

  /**
   * Gives a new session to a request whose cookie names a missing session. If that session was replaced a moment ago,
   * the client has its new cookie already, or will have it. Another cookie would log out a user who just logged in.
   */
  async #generateFor(req: Request, open: OpenSession, id: string): Promise<OpenSession> {
    const { store } = this.config;
    const isLate = await store.wasReplaced(id);
    // The nodes that hold the session's connections may not have received the news of its end.
    store.endings.close(id, isLate ? "session_replaced" : "session_ended");
    open.generate();
    if (isLate) {
      open.record?.close();
      debugSession(
        req,
        "a session that is not kept: the one that the cookie names was replaced a moment ago",
      );
    }
    return open;
  }

  /** The session id in the request's cookie, if the cookie's signature fits. */
  #requestedId(req: Request, secrets: readonly CipherKey[]): string | undefined {
    const { name } = this.config;
    const header = req.headers.cookie;
    // The header of most requests without a session does not contain the name. They are spared the parsing.
    const sent = header?.includes(name) ? requestCookies(req)[name] : undefined;
    const id = sent === undefined ? undefined : this.#unsign(sent, secrets);
    if (id !== undefined) return id;
    // As in express-session, the result of an earlier cookie-parser counts if the header has lost the cookie. It also
    // counts if the secrets are the parser's, because the parser reveals only the first of them. In all other cases a
    // signature that does not fit stays invalid.
    if (sent !== undefined && (this.config.secrets || hasKnownSecrets(req))) return undefined;
    const { signedCookies, cookies } = req as Partial<Pick<Request, "signedCookies" | "cookies">>;
    const unsigned: unknown = signedCookies?.[name];
    if (typeof unsigned === "string" && unsigned !== "") return unsigned;
    const parsed: unknown = cookies?.[name];
    return typeof parsed === "string" ? this.#unsign(parsed, secrets) : undefined;
  }

  #unsign(value: string, secrets: readonly CipherKey[]): string | undefined {
    if (!value.startsWith(SIGNED)) return undefined;
    return this.#signatures.unsign(value.slice(SIGNED.length), secrets) || undefined;
  }
}
