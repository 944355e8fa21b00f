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

/** Milliseconds for which a session that was seen in the store is there: no login is done in less. */
const SAME_MOMENT_MS = 1;

/** The session of one request or connection: begins it, writes it, ends it, and decides whether its cookie is sent. */
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

  /** The record of the session that is in `req.session` now, also of one that the app has loaded; of none, once it has unset it. */
  get record(): SessionRecord | undefined {
    const { session } = this.#req;
    if (this.#record?.session === session) return this.#record;
    return BoundSession.is(session) ? BoundSession.recordOf(session) : undefined;
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

  /** Whether the client's cookie names this session, so that it was not begun by this very request. */
  isCarried(record: SessionRecord): boolean {
    return this.#cookie.names(record);
  }

  /** Whether it is too late to send a cookie. */
  get isHeadSent(): boolean {
    return this.#cookie.isHeadSent;
  }

  /** Why the session may not be stored, if so: it is new, and no cookie can be made to name it to the client. */
  obstacleTo(record: SessionRecord): Obstacle | undefined {
    return record.isStored ? undefined : this.#cookie.obstacleTo(record);
  }

  /** Whether the app has left the request its id, without which express-session neither saves nor sends a cookie. */
  get hasId(): boolean {
    return typeof this.#req.sessionID === "string";
  }

  /** Settles as the session's end does, while that is under way; `undefined` if none is. */
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

  /** Puts a session into `req.session` whose data the app has read from the store by itself. */
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
    // It may have been ended by others of this request in the meantime.
    debugSession(this.#req, record.hasEnded && isOver(record.session.cookie) ? "expired" : "saved");
  }

  /**
   * Ends what a first save may have stored whose answer did not come: no client gets its cookie, so it would be nobody's
   * to end. Nobody waits for it.
   */
  abandonUnsure(): void {
    const record = this.#record;
    if (record?.isUnsure) this.end(record, "session_ended").catch(() => {});
  }

  /**
   * Ends a session, and has the client forget its cookie unless another one takes its place. Resolves to whether it was
   * still there.
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
   * Sets the session cookie if one is due, or expires it if its session has ended. Called once, when the response's head
   * is about to be sent.
   *
   * `willSave` says whether changes that are not saved yet will be: on HTTP when the response ends, on a
   * WebSocket never. Without a response it is only noted that from here on no cookie can be sent.
   */
  sendCookie(res: Response | undefined, { willSave }: { willSave: boolean }): void {
    this.#cookie.send(res, willSave);
    const { record } = this;
    if (!res || record?.userId === undefined || record.hasEnded) return;
    dismissGuest(this.#req, this.#config, res, record.session.cookie);
  }

  /** The session was gone before this request could end it: what the client has by now may be another one's cookie. */
  leaveCookie(record: SessionRecord): void {
    this.#cookie.hasNotEnded(record);
  }

  /** Looks whether the session is still there before its cookie is sent again, if it was not seen for so long: a login may have replaced it. */
  verifyCookie(seenWithinMs: number = SAME_MOMENT_MS): Promise<void> | undefined {
    const { record } = this;
    if (!record?.isStored || !this.isCarried(record) || this.isHeadSent) return undefined;
    if (record.wasSeenWithin(seenWithinMs) || !this.#cookie.isWanted(false)) return undefined;
    return record.verify();
  }

  /** Whether `sendCookie` would set a cookie, whatever the response. */
  isCookieDue({ willSave }: { willSave: boolean }): boolean {
    const isGuestOver = this.record?.userId !== undefined && this.guestKeys.length > 0;
    return isGuestOver || this.#cookie.isDue(willSave);
  }

  /** The keys that the client was given as a guest's. */
  get guestKeys(): readonly string[] {
    return guestKeysOf(this.#req, this.#config);
  }

  /** The Set-Cookie line of a guest's key; `undefined` if no cookie can be carried. */
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
