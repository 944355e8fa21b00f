import { serialize } from "cookie";
import type { Request, Response } from "express";
import type { Session, SessionData } from "express-session";
import { SessionStackError } from "../errors.ts";
import { BoundSession, type SessionActions } from "../sessions/bound-session.ts";
import { inflateCookie, newCookie } from "../sessions/inflate-cookie.ts";
import type { RecordOwner, SessionRecord } from "../sessions/session-record.ts";
import type { SessionStore, StoredSession } from "../sessions/session-store.ts";
import { stampLogin } from "../users/login.ts";
import type { UserEvents } from "../users/user-events.ts";
import { dismissGuest, guestCookie, guestKeysOf, tellGuestLogin } from "./guest-cookie.ts";
import { isSecure } from "./secure.ts";
import type { SessionConfig } from "./session-options.ts";
import { appendCookie, cookieData } from "./set-cookie.ts";
import { SIGNED, signValue } from "./signed-value.ts";

type SessionCookie = SessionData["cookie"];
type Secret = SessionConfig["secrets"][number];

/**
 * The session of one request or connection: opens it, carries out what `req.session` is told, and decides
 * whether its cookie is sent.
 */
export class OpenSession implements SessionActions, RecordOwner {
  /** The id in the cookie that the client has sent, if the cookie was signed here. */
  readonly requestedId: string | undefined;
  readonly #req: Request;
  readonly #config: SessionConfig;
  readonly #users: UserEvents;
  readonly #secret: Secret;
  /** The ids that the client has a cookie for: the one it sent, and the one it was sent. */
  #carriedId: string | undefined;
  #headSent = false;
  #isReplacement = false;
  #record: SessionRecord | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;
  #maxAge: number | null = null;

  constructor(req: Request, config: SessionConfig, users: UserEvents, secret: Secret, requestedId?: string) {
    this.#req = req;
    this.#config = config;
    this.#users = users;
    this.#secret = secret;
    this.requestedId = requestedId;
    this.#carriedId = requestedId;
  }

  /** The record of the session that is in `req.session` now; of none, once the app has unset it. */
  get record(): SessionRecord | undefined {
    return this.#record?.session === this.#req.session ? this.#record : undefined;
  }

  /** The record of the session that was last in `req.session`. */
  get lastRecord(): SessionRecord | undefined {
    return this.#record;
  }

  /** Whether the session takes the place of another one, so that the client must learn of it. */
  get isReplacement(): boolean {
    return this.#isReplacement;
  }

  /** When the session was last saved, by what its cookie said as it was loaded; of a new one, never. */
  get savedAt(): number {
    return this.#savedAt;
  }

  /** Whether the app has given the session another age since it was loaded. */
  get hasNewAge(): boolean {
    return this.#maxAge !== this.#req.session.cookie.originalMaxAge;
  }

  /** Whether the client's cookie names this session, so that it was not begun by this very request. */
  isCarried(record: SessionRecord): boolean {
    return this.#carriedId === record.session.id;
  }

  /** Whether the session may be stored: it is, or the client's cookie names it or can still be made to. */
  canBeStored(record: SessionRecord): boolean {
    if (record.isStored || this.isCarried(record)) return true;
    return !this.#headSent && this.#mayGoByCookie(record.session.cookie);
  }

  get store(): SessionStore {
    return this.#config.store;
  }

  get timeoutMs(): number {
    return this.#config.timeoutMs;
  }

  userIdOf(data: SessionData): string | undefined {
    return this.#config.userIdOf(data);
  }

  willSave(session: Session, userId: string | undefined): void {
    stampLogin(this.#req, session, this.#config.userIdOf(session as unknown as SessionData), userId);
  }

  async userChanged({ id }: Session, before: string | undefined, after: string | undefined): Promise<void> {
    if (before !== undefined)
      this.#users.emit("user_logged_out", { userId: before, sid: id, req: this.#req });
    if (after === undefined) return;
    tellGuestLogin(this.#req, this.#config, id, this.requestedId);
    await this.#users.loggedIn({ userId: after, sid: id, req: this.#req });
  }

  /** Puts a stored session into `req.session`. */
  adopt(stored: StoredSession): void {
    const cookie = inflateCookie(stored.data.cookie);
    stored.data.cookie = cookie;
    this.#maxAge = cookie.originalMaxAge;
    if (cookie.expires && cookie.originalMaxAge)
      this.#savedAt = cookie.expires.getTime() - cookie.originalMaxAge;
    this.#begin(stored.data, stored);
  }

  /** Puts a new session with a new id into `req.session`. */
  generate(): void {
    this.#isReplacement = this.#record !== undefined;
    this.#req.sessionID = this.#config.genid(this.#req);
    const options = this.#config.cookieOptions(this.#req);
    const cookie = newCookie(options);
    if (options.secure === "auto") cookie.secure = this.#isSecure();
    if (options.sameSite === "auto") cookie.sameSite = this.#isSecure() ? "none" : "lax";
    this.#begin({ cookie } as SessionData, undefined);
  }

  async save(saved: Session): Promise<void> {
    const record = BoundSession.recordOf(saved);
    if (!record.hasEnded && !this.canBeStored(record)) throw notCarried(this.#headSent);
    await record.save();
  }

  async reload(reloaded: Session): Promise<void> {
    const stored = await BoundSession.recordOf(reloaded).read();
    this.#req.sessionID = reloaded.id;
    this.adopt(stored);
  }

  async destroy(destroyed: Session): Promise<void> {
    const record = BoundSession.recordOf(destroyed);
    Reflect.deleteProperty(this.#req, "session");
    await record.remove("session_ended");
  }

  async regenerate(replaced: Session): Promise<void> {
    // Its id would never reach the client: then rather keep the old session than end it for nothing.
    if (this.#headSent) throw notCarried(true);
    await BoundSession.recordOf(replaced).remove("session_replaced");
    this.generate();
  }

  /**
   * Sets the session cookie if one is due. Called once, when the response's head is about to be sent.
   *
   * `willSave` says whether changes that are not saved yet will be: on HTTP when the response ends, on a
   * WebSocket never. Without a response it is only noted that from here on no cookie can be sent.
   */
  sendCookie(res: Response | undefined, { willSave }: { willSave: boolean }): void {
    this.#headSent = true;
    const { record } = this;
    if (!res || !record || record.hasEnded || this.#config.saveUnless(res)) return;
    const { cookie, id } = record.session;
    if (this.#isSessionCookieDue({ willSave })) {
      record.session.touch();
      const value = SIGNED + signValue(id, this.#secret);
      appendCookie(res, serialize(this.#config.name, value, cookieData(cookie)));
      this.#carriedId = id;
    }
    if (record.userId !== undefined) dismissGuest(this.#req, this.#config, res, cookie);
  }

  /** Whether `sendCookie` would set a cookie, whatever the response. */
  isCookieDue({ willSave }: { willSave: boolean }): boolean {
    const isGuestOver = this.record?.userId !== undefined && this.guestKeys.length > 0;
    return isGuestOver || this.#isSessionCookieDue({ willSave });
  }

  /** The keys that the client was given as a guest's. */
  get guestKeys(): readonly string[] {
    return guestKeysOf(this.#req, this.#config);
  }

  /** The Set-Cookie line of a guest's key; `undefined` if no cookie can be carried. */
  guestCookie(key: string): string | undefined {
    const cookie = this.record?.session.cookie;
    return cookie && this.#mayGoByCookie(cookie) ? guestCookie(this.#config, key, cookie) : undefined;
  }

  #isSessionCookieDue({ willSave }: { willSave: boolean }): boolean {
    const { record } = this;
    if (!record || record.hasEnded || !this.#mayGoByCookie(record.session.cookie)) return false;
    if (!this.isCarried(record)) {
      return (
        record.isStored ||
        (willSave && (this.#config.saveUninitialized || this.#isReplacement || record.hasChanges()))
      );
    }
    if (this.#config.rolling) return true;
    return record.session.cookie.expires != null && (record.wasModified || (willSave && record.hasChanges()));
  }

  #begin(data: SessionData, stored: StoredSession | undefined): void {
    const begun = new BoundSession(this.#req, data, this, stored) as unknown as Session;
    this.#record = BoundSession.recordOf(begun);
    this.#req.session = begun as Request["session"];
  }

  #mayGoByCookie(cookie: SessionCookie): boolean {
    return !cookie.secure || this.#isSecure();
  }

  #isSecure(): boolean {
    return isSecure(this.#req, this.#config.proxy);
  }
}

function notCarried(headSent: boolean): SessionStackError {
  const why = headSent
    ? "its cookie can only be sent before the response's head, on a WebSocket in authorize; save it there or in an HTTP route"
    : 'its cookie is secure and the connection is not; use TLS, set "trust proxy" on the app, or cookie.secure: "auto"';
  return new SessionStackError("ERR_SESSION_NOT_CARRIED", `A new session was not stored: ${why}.`);
}
