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

/** Milliseconds for which a session is taken to be there after the store has said so. */
export const SEEN_MS = 100;
/** The same for the head of a stream: it cannot wait for the store to be asked again. */
const SEEN_BEFORE_STREAM_MS = 1_000;

/** What signs the ids of sessions: by the first secret of the request. */
export interface Signer {
  readonly signatures: SignatureCache;
  readonly secret: CipherKey;
}

/** Whose cookie it is. */
export interface CookieOwner {
  /** The record of the session that is in `req.session` now. */
  readonly record: SessionRecord | undefined;
  /** The record of the session that was last in `req.session`. */
  readonly lastRecord: SessionRecord | undefined;
  /** Whether the session takes the place of another one. */
  readonly isReplacement: boolean;
}

/** The session cookie of one request or connection: which session the client has it for, and what it is sent. */
export class CarriedCookie {
  readonly #req: Request;
  readonly #config: SessionConfig;
  readonly #signer: Signer;
  readonly #owner: CookieOwner;
  /** The ids that the client has a cookie for: the one it sent, and the one it was sent. */
  #carriedId: string | undefined;
  /** What the client has of the cookie that it sent, as far as the store tells. */
  #carried: CookieData | undefined;
  /** That cookie, once this request has ended its session or is about to. */
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

  /** Whether it is too late to send it. */
  get isHeadSent(): boolean {
    return this.#headSent;
  }

  /** Whether it names this session, so that the session was not begun by this very request. */
  names({ session }: SessionRecord): boolean {
    return this.#carriedId === session.id;
  }

  /** Why it does not name the session and cannot be made to, if so. */
  obstacleTo(record: SessionRecord): Obstacle | undefined {
    if (this.names(record)) return undefined;
    if (this.#headSent) return "head sent";
    cookieOf(record.session);
    return this.mayGo(record.session.cookie) ? undefined : "insecure";
  }

  /** Says what the client has been sent for the session, as that was loaded. */
  wasLoaded(cookie: CookieData): void {
    this.#carried ??= cookie;
  }

  /** Says that this request ends the session: the client is to forget it, unless another session takes its place. */
  willEnd(record: SessionRecord): void {
    // Also of one that took the place of a session which was not found: its cookie is of no use either.
    const isCarriedGone = this.#carriedId !== undefined && this.#carried === undefined && !record.hasEnded;
    if (this.names(record) || isCarriedGone) this.#useless = record.session.cookie;
  }

  /** Says that the session could not be ended: it may be there still, and the client can try again. */
  hasNotEnded({ session }: SessionRecord): void {
    if (this.#useless === session.cookie) this.#useless = undefined;
  }

  /** As {@link OpenSession.sendCookie} has it. */
  send(res: Response | undefined, willSave: boolean): void {
    this.#headSent = true;
    if (!res) return;
    const { record } = this.#owner;
    const { name, rolling, saveUnless } = this.#config;
    // What is stored already, the client is told all the same: it is left with no other cookie.
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

  /** Whether `send` would set it; `rolling` has it set also if nothing has changed. */
  isDue(willSave: boolean, rolling: boolean = this.#config.rolling): boolean {
    const { record } = this.#owner;
    // What the client came with may have been replaced meanwhile, and its cookie would log out who has just logged in.
    const withinMs = willSave ? SEEN_BEFORE_STREAM_MS : SEEN_MS;
    const mayBeGone = record && this.names(record) && !record.wasSeenWithin(withinMs);
    // Another age that this request has given it is told nobody later.
    if (mayBeGone && !this.#isOther(record)) return false;
    return this.isWanted(willSave, rolling);
  }

  /** Whether it is to be set, if the session is still there. */
  isWanted(willSave: boolean, rolling: boolean = this.#config.rolling): boolean {
    const { record } = this.#owner;
    if (!record || record.hasEnded) return false;
    const cookie = cookieOf(record.session);
    if (!this.mayGo(record.session.cookie)) return false;
    // As with express-session, an app keeps a session from its client by an id that is none.
    if (typeof this.#req.sessionID !== "string") return false;
    // After a save that has failed nothing is saved by itself.
    const mayBeSaved = willSave && record.failure === undefined;
    if (!this.names(record)) {
      if (record.isStored) return true;
      const { saveUninitialized } = this.#config;
      return mayBeSaved && (saveUninitialized || this.#owner.isReplacement || record.hasChanges());
    }
    if (rolling) return true;
    const isOther = this.#isOther(record);
    // What is not saved yet, and will not be, the client must not be told.
    if (isOther && (mayBeSaved || record.wasModified || !record.hasChanges())) return true;
    return cookie.expires !== null && (record.wasModified || (mayBeSaved && record.hasChanges()));
  }

  /** Whether it differs from what the client has, in more than when it expires. */
  #isOther({ session }: SessionRecord): boolean {
    return this.#carried !== undefined && !isSameCookie(this.#carried, cookieOf(session));
  }

  /** The cookie of a session that this request has ended, or will when the response ends. */
  #uselessCookie(willSave: boolean): Cookie | undefined {
    const { record, lastRecord } = this.#owner;
    if (!record) return this.#willBeUnset(lastRecord, willSave) ? lastRecord?.session.cookie : this.#useless;
    const { cookie } = record.session;
    if (record.hasEnded) return isOver(cookie) ? cookie : this.#useless;
    if (this.names(record)) return willSave && isOver(cookie) ? cookie : undefined;
    // One that is not stored takes no other's place.
    return record.isStored ? undefined : this.#useless;
  }

  #willBeUnset(last: SessionRecord | undefined, willSave: boolean): boolean {
    if (!last || last.hasEnded || !willSave || this.#config.unset !== "destroy") return false;
    return this.#req.session == null && this.names(last);
  }

  /** Whether a cookie with these attributes may be sent by the connection of this request. */
  mayGo(cookie: Cookie): boolean {
    return !cookie.secure || isSecure(this.#req, this.#config.proxy);
  }
}
