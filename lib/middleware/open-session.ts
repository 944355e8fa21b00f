import type { Request, Response } from "express";
import type { Session, SessionData } from "express-session";
import { newCookie, sessionDataOf } from "../sessions/data/inflate-cookie.ts";
import { cookieOf } from "../sessions/data/session-cookie.ts";
import { BoundSession } from "../sessions/record/bound-session.ts";
import type { RecordOwner } from "../sessions/record/record-owner.ts";
import type { SessionRecord } from "../sessions/record/session-record.ts";
import type { SaveOptions } from "../sessions/saving/save.ts";
import type { SaveQueues } from "../sessions/saving/save-queues.ts";
import type { EndReason } from "../sessions/session-endings.ts";
import type { SessionStore, StoredSession } from "../sessions/session-store.ts";
import { stampLogin } from "../users/login/login.ts";
import type { UserEvents } from "../users/login/user-events.ts";
import type { SessionIndex } from "../users/session-index/session-index.ts";
import { CarriedCookie, type Signer } from "./cookies/carried-cookie.ts";
import { dismissGuest, guestCookie, guestKeysOf, tellGuestLogin } from "./cookies/guest-cookie.ts";
import type { Obstacle } from "./cookies/not-carried.ts";
import { isSecure } from "./cookies/secure.ts";
import { isOver } from "./cookies/set-cookie.ts";
import { briefly, debugSession } from "./debug-session.ts";
import { RequestSessionActions, type SessionSteps } from "./request-session-actions.ts";
import type { SessionConfig } from "./session-options.ts";

/** Milliseconds for which a session counts as existing after it was seen in the store. No login takes less time. */
const SAME_MOMENT_MS = 1;

/** Begins, writes and ends the session of one request or connection, and decides whether its cookie is sent. */
export class OpenSession implements RecordOwner, SessionSteps {
  /** The id in the cookie that the client has sent, if the cookie was signed here. */
  readonly requestedId: string | undefined;
  readonly #req: Request;
  readonly #config: SessionConfig;
  readonly #users: UserEvents;
  readonly #cookie: CarriedCookie;
  #ending: Promise<unknown> | undefined;
  readonly #actions: RequestSessionActions;
  #isReplacement = false;
  #record: SessionRecord | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(req: Request, config: SessionConfig, users: UserEvents, signer: Signer, requestedId?: string) {
    this.#req = req;
    this.#config = config;
    this.#users = users;
    this.requestedId = requestedId;
    this.#actions = new RequestSessionActions(req, this);
    this.#cookie = new CarriedCookie(req, config, this, signer, requestedId);
  }

  /** The record of the session in `req.session`, even if the app loaded it; `undefined` after the app unset it. */
  get record(): SessionRecord | undefined {
    const { session } = this.#req;
    if (this.#record?.session === session) return this.#record;
    return BoundSession.is(session) ? BoundSession.recordOf(session) : undefined;
  }

  /** The record of the session that was last in `req.session`. */
  get lastRecord(): SessionRecord | undefined {
    return this.#record;
  }

  /** Whether the session replaces another one. The client must then learn of it. */
  get isReplacement(): boolean {
    return this.#isReplacement;
  }

  /** When the session was last saved, according to its cookie when it was loaded. A new session was never saved. */
  get savedAt(): number {
    return this.#savedAt;
  }

  /** Whether the client's cookie names this session. If so, this request has not begun the session. */
  isCarried(record: SessionRecord): boolean {
    return this.#cookie.names(record);
  }

  /** Whether it is too late to send a cookie. */
  get isHeadSent(): boolean {
    return this.#cookie.isHeadSent;
  }

  /** The reason why a new session may not be stored, if there is one: no cookie can bring its id to the client. */
  obstacleTo(record: SessionRecord): Obstacle | undefined {
    return record.isStored ? undefined : this.#cookie.obstacleTo(record);
  }

  /** Whether the request still has its session id. Without it express-session neither saves nor sends a cookie. */
  get hasId(): boolean {
    return typeof this.#req.sessionID === "string";
  }

  /** Settles together with the session's end that is under way; `undefined` if none is under way. */
  get ending(): Promise<unknown> | undefined {
    return this.#ending;
  }

  get store(): SessionStore {
    return this.#config.store;
  }

  get index(): SessionIndex {
    return this.#config.index;
  }

  get saves(): SaveQueues {
    return this.#config.saves;
  }

  userIdOf(data: SessionData): string | undefined {
    return this.#config.userIdOf(data);
  }

  willSave(session: Session, userId: string | undefined): void {
    cookieOf(session);
    const { userIdOf, loginKey } = this.#config;
    stampLogin(this.#req, session, loginKey, userIdOf(session as unknown as SessionData), userId);
  }

  async userChanged({ id }: Session, before: string | undefined, after: string | undefined): Promise<void> {
    if (before !== undefined) {
      debugSession(this.#req, "logged out");
      this.#users.emit("user_logged_out", { userId: before, sid: id, req: this.#req });
    }
    if (after === undefined) return;
    debugSession(this.#req, "logged in");
    tellGuestLogin(this.#req, this.#config, id, this.requestedId);
    await this.#users.loggedIn({ userId: after, sid: id, req: this.#req });
  }

  /** Puts a stored session into `req.session`. */
  adopt(stored: StoredSession): void {
    const cookie = cookieOf(stored.data);
    this.#cookie.wasLoaded(cookie.data);
    if (cookie.expires && cookie.originalMaxAge)
      this.#savedAt = cookie.expires.getTime() - cookie.originalMaxAge;
    this.#begin(stored.data, stored);
  }

  /** Puts a session into `req.session`. The app has read the data of this session from the store itself. */
  create(data: SessionData): Session {
    const { json, text = json } = this.#config.saves.format.snapshot(data);
    this.adopt({ data: sessionDataOf(data), json, version: text });
    return this.#req.session;
  }

  /** Puts a new session with a new id into `req.session`. */
  generate(): void {
    this.#isReplacement = this.#record !== undefined;
    this.#req.sessionID = this.#config.genid(this.#req);
    const options = this.#config.cookieOptions(this.#req);
    const isOverTls = () => isSecure(this.#req, this.#config.proxy);
    const cookie = newCookie(options);
    if (options.secure === "auto") cookie.secure = isOverTls();
    if (options.sameSite === "auto") cookie.sameSite = isOverTls() ? "none" : "lax";
    this.#begin({ cookie } as SessionData, undefined);
  }

  /** Saves a session that may be stored. */
  async write(record: SessionRecord, options?: SaveOptions): Promise<void> {
    try {
      await record.save(options);
    } catch (error) {
      debugSession(this.#req, `not saved: ${briefly(error)}`);
      throw error;
    }
    // Another part of this request may have ended the session in the meantime.
    debugSession(this.#req, record.hasEnded && isOver(record.session.cookie) ? "expired" : "saved");
  }

  /**
   * Ends a session that an unanswered first save may have stored. No client gets its cookie, so nobody could end it.
   * Nobody waits for this call.
   */
  abandonUnsure(): void {
    const record = this.#record;
    if (record?.isUnsure) this.end(record, "session_ended").catch(() => {});
  }

  /**
   * Ends a session. The client must then forget its cookie unless another session replaces it. Resolves to whether the
   * session still existed.
   */
  async end(record: SessionRecord, reason: EndReason): Promise<boolean> {
    this.#cookie.willEnd(record);
    const ending = record.remove(reason);
    this.#ending = ending;
    try {
      await ending;
    } catch (error) {
      this.#cookie.hasNotEnded(record);
      debugSession(this.#req, `not ended: ${briefly(error)}`);
      throw error;
    } finally {
      if (this.#ending === ending) this.#ending = undefined;
    }
    debugSession(this.#req, reason === "session_replaced" ? "regenerated" : "destroyed");
    return ending;
  }

  /**
   * Sets the session cookie if one is due, or expires it if its session has ended. The caller calls this once, just
   * before the response's head is sent.
   *
   * `willSave` says whether unsaved changes will be saved. HTTP saves them when the response ends, a WebSocket never.
   * Without a response the call only notes that from here on no cookie can be sent.
   */
  sendCookie(res: Response | undefined, { willSave }: { willSave: boolean }): void {
    this.#cookie.send(res, willSave);
    const { record } = this;
    if (!res || record?.userId === undefined || record.hasEnded) return;
    dismissGuest(this.#req, this.#config, res, record.session.cookie);
  }

  /** Keeps the client's cookie when the session ended before this request could end it. It may name another session. */
  leaveCookie(record: SessionRecord): void {
    this.#cookie.hasNotEnded(record);
  }

  /** Checks a session not seen for `seenWithinMs` before its cookie is sent again. A login may have replaced it. */
  verifyCookie(seenWithinMs: number = SAME_MOMENT_MS): Promise<void> | undefined {
    const { record } = this;
    if (!record?.isStored || !this.isCarried(record) || this.isHeadSent) return undefined;
    if (record.wasSeenWithin(seenWithinMs) || !this.#cookie.isWanted(false)) return undefined;
    return record.verify();
  }

  /** Whether `sendCookie` would set a cookie, regardless of the response. */
  isCookieDue({ willSave }: { willSave: boolean }): boolean {
    const isGuestOver = this.record?.userId !== undefined && this.guestKeys.length > 0;
    return isGuestOver || this.#cookie.isDue(willSave);
  }

  /** The keys that the client was given as a guest. */
  get guestKeys(): readonly string[] {
    return guestKeysOf(this.#req, this.#config);
  }

  /** The Set-Cookie line of a guest's key; `undefined` if no such cookie may be sent. */
  guestCookie(key: string): string | undefined {
    const cookie = this.record?.session.cookie;
    return cookie && this.#cookie.mayGo(cookie) ? guestCookie(this.#config, key, cookie) : undefined;
  }

  #begin(data: SessionData, stored: StoredSession | undefined): void {
    const begun = new BoundSession(this.#req, data, this.#actions, this, stored) as unknown as Session;
    this.#record = BoundSession.recordOf(begun);
    this.#req.session = begun as Request["session"];
  }
}
