import type { CipherKey } from "node:crypto";
import type { Request, Response } from "express";
import type { SessionData } from "express-session";
import { isSameCookie } from "../../sessions/data/merge-cookies.ts";
import { type CookieData, cookieOf } from "../../sessions/data/session-cookie.ts";
import type { SessionRecord } from "../../sessions/record/session-record.ts";
import type { SessionConfig } from "../session-options.ts";
import type { Obstacle } from "./not-carried.ts";
import { isSecure } from "./secure.ts";
import { expireCookie, isOver, setCookie } from "./set-cookie.ts";
import { SIGNED, type SignatureCache } from "./signed-value.ts";

type Cookie = SessionData["cookie"];

/** Milliseconds for which a session counts as existing after the store has confirmed it. */
export const SEEN_MS = 100;
/** The same period for the head of a stream, which cannot wait for another call to the store. */
const SEEN_BEFORE_STREAM_MS = 1_000;

/** Signs the ids of sessions with the first secret of the request. */
export interface Signer {
  readonly signatures: SignatureCache;
  readonly secret: CipherKey;
}

/** The owner of a session cookie. */
export interface CookieOwner {
  /** The record of the session that is in `req.session` now. */
  readonly record: SessionRecord | undefined;
  /** The record of the session that was last in `req.session`. */
  readonly lastRecord: SessionRecord | undefined;
  /** Whether the session takes the place of another one. */
  readonly isReplacement: boolean;
}

/** The session cookie of one request or connection. It knows which session the client has a cookie for. */
export class CarriedCookie {
  readonly #req: Request;
  readonly #config: SessionConfig;
  readonly #signer: Signer;
  readonly #owner: CookieOwner;
  /** The id that the client has a cookie for. The client has sent this cookie, or has been sent it. */
  #carriedId: string | undefined;
  /** The attributes of the cookie that the client sent, as far as the store knows them. */
  #carried: CookieData | undefined;
  /** The cookie that the client sent, once this request has ended its session or is about to end it. */
  #useless: Cookie | undefined;
  #headSent = false;

  constructor(
    req: Request,
    config: SessionConfig,
    owner: CookieOwner,
    signer: Signer,
    requestedId: string | undefined,
  ) {
    this.#req = req;
    this.#config = config;
    this.#owner = owner;
    this.#signer = signer;
    this.#carriedId = requestedId;
  }

  /** Whether it is too late to send the cookie. */
  get isHeadSent(): boolean {
    return this.#headSent;
  }

  /** Whether the client's cookie names this session. If so, this request has not begun the session. */
  names({ session }: SessionRecord): boolean {
    return this.#carriedId === session.id;
  }

  /** The reason why the client's cookie does not name the session and cannot be made to name it, if there is one. */
  obstacleTo(record: SessionRecord): Obstacle | undefined {
    if (this.names(record)) return undefined;
    if (this.#headSent) return "head sent";
    cookieOf(record.session);
    return this.mayGo(record.session.cookie) ? undefined : "insecure";
  }

  /** Notes the cookie that the client was sent for the session, as the loaded session holds it. */
  wasLoaded(cookie: CookieData): void {
    this.#carried ??= cookie;
  }

  /** Notes that this request ends the session. The client must forget its cookie unless another session replaces it. */
  willEnd(record: SessionRecord): void {
    // The session may have replaced one that was not found. The cookie of that one is useless too.
    const isCarriedGone = this.#carriedId !== undefined && this.#carried === undefined && !record.hasEnded;
    if (this.names(record) || isCarriedGone) this.#useless = record.session.cookie;
  }

  /** Notes that the session could not be ended. It may still exist, and the client can try again. */
  hasNotEnded({ session }: SessionRecord): void {
    if (this.#useless === session.cookie) this.#useless = undefined;
  }

  /** Sends the cookie as {@link OpenSession.sendCookie} describes. */
  send(res: Response | undefined, willSave: boolean): void {
    this.#headSent = true;
    if (!res) return;
    const { record } = this.#owner;
    const { name, rolling, saveUnless } = this.#config;
    // The client still gets the cookie of a session that is already stored, because it has no other cookie.
    const isLeftOut = saveUnless(res) || record?.failure !== undefined;
    const willBeSaved = willSave && !isLeftOut;
    if (!record || !this.isDue(willBeSaved, rolling && !isLeftOut)) {
      const useless = this.#uselessCookie(willBeSaved);
      if (useless && this.mayGo(useless)) expireCookie(res, name, useless);
      return;
    }
    const { session } = record;
    session.touch();
    this.#carried = undefined;
    if (isOver(session.cookie)) {
      expireCookie(res, name, session.cookie);
      return;
    }
    const { signatures, secret } = this.#signer;
    setCookie(res, name, SIGNED + signatures.sign(session.id, secret), session.cookie);
    this.#carriedId = session.id;
  }

  /** Whether `send` would set the cookie. With `rolling` it sets the cookie even if nothing has changed. */
  isDue(willSave: boolean, rolling: boolean = this.#config.rolling): boolean {
    const { record } = this.#owner;
    // The client's session may have been replaced meanwhile. Its cookie would then log out a user who just logged in.
    const withinMs = willSave ? SEEN_BEFORE_STREAM_MS : SEEN_MS;
    const mayBeGone = record && this.names(record) && !record.wasSeenWithin(withinMs);
    // If this request has changed the cookie itself, such as its age, no later response would tell the client.
    if (mayBeGone && !this.#isOther(record)) return false;
    return this.isWanted(willSave, rolling);
  }

  /** Whether the cookie must be set, provided that the session still exists. */
  isWanted(willSave: boolean, rolling: boolean = this.#config.rolling): boolean {
    const { record } = this.#owner;
    if (!record || record.hasEnded) return false;
    const cookie = cookieOf(record.session);
    if (!this.mayGo(record.session.cookie)) return false;
    // As with express-session, an app withholds a session from its client by an id that is not a string.
    if (typeof this.#req.sessionID !== "string") return false;
    // After a failed save nothing is saved automatically.
    const mayBeSaved = willSave && record.failure === undefined;
    if (!this.names(record)) {
      if (record.isStored) return true;
      const { saveUninitialized } = this.#config;
      return mayBeSaved && (saveUninitialized || this.#owner.isReplacement || record.hasChanges());
    }
    if (rolling) return true;
    const isOther = this.#isOther(record);
    // The client must not be told of changes that are not saved and will not be saved.
    if (isOther && (mayBeSaved || record.wasModified || !record.hasChanges())) return true;
    return cookie.expires !== null && (record.wasModified || (mayBeSaved && record.hasChanges()));
  }

  /** Whether the session's cookie differs from the client's in more than the time of expiry. */
  #isOther({ session }: SessionRecord): boolean {
    return this.#carried !== undefined && !isSameCookie(this.#carried, cookieOf(session));
  }

  /** The cookie of a session that this request has ended, or will end when the response ends. */
  #uselessCookie(willSave: boolean): Cookie | undefined {
    const { record, lastRecord } = this.#owner;
    if (!record) return this.#willBeUnset(lastRecord, willSave) ? lastRecord?.session.cookie : this.#useless;
    const { cookie } = record.session;
    if (record.hasEnded) return isOver(cookie) ? cookie : this.#useless;
    if (this.names(record)) return willSave && isOver(cookie) ? cookie : undefined;
    // A session that is not stored replaces no other session.
    return record.isStored ? undefined : this.#useless;
  }

  #willBeUnset(last: SessionRecord | undefined, willSave: boolean): boolean {
    if (!last || last.hasEnded || !willSave || this.#config.unset !== "destroy") return false;
    return this.#req.session == null && this.names(last);
  }

  /** Whether a cookie with these attributes may be sent over the connection of this request. */
  mayGo(cookie: Cookie): boolean {
    return !cookie.secure || isSecure(this.#req, this.#config.proxy);
  }
}
