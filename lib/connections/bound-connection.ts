import { closeCodes } from "../close-codes.ts";
import type { EndReason } from "../sessions/session-endings.ts";

/** What a connection is to those who end sessions. */
export interface Closable {
  /** Lets nothing more through, either way. */
  mute(): void;
  /** Mutes and closes. */
  end(code: number, reason: string): void;
}

/**
 * Milliseconds between a session's replacement and the close of its connections: a head start for the
 * response with the new cookie, without which a client would come back with the old one, as nobody.
 */
export const REPLACED_HEAD_START_MS = 250;

/** A connection bound to a session, from before its handshake is answered until it is closed. */
export class BoundConnection {
  readonly sid: string;
  /** Whose session it was when the connection was made. */
  userId: string | undefined;
  #line: Closable | undefined;
  #hasEnded = false;
  /** What somebody has said of the session's user during the handshake. */
  #told: { readonly userId: string | undefined } | undefined;
  #isDoubtful = false;

  constructor(sid: string) {
    this.sid = sid;
  }

  /** Whether its session has ended; before the handshake is answered, it is then refused. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether, during the handshake, the session's user may have become another than this one. */
  mayBeOthers(userId: string | undefined): boolean {
    return this.#isDoubtful || (this.#told !== undefined && this.#told.userId !== userId);
  }

  /** Binds to the user whose session it is, as is about to be read: what was heard before is known by that. */
  bindTo(userId: string | undefined): void {
    this.userId = userId;
    this.#told = undefined;
    this.#isDoubtful = false;
  }

  /** During the handshake, something may have been missed that was said of the session. */
  doubt(): void {
    if (!this.#line) this.#isDoubtful = true;
  }

  /** Somebody says whose session it is from now on. A client that has a line as another is to come back. */
  follow(userId: string | undefined): void {
    if (!this.#line) this.#told = { userId };
    else if (userId !== this.userId) this.end("session_replaced");
  }

  /** The handshake is answered: from here on the line is closed when the session ends. */
  open(line: Closable): void {
    this.#line = line;
    if (this.mayBeOthers(this.userId)) this.end("session_replaced");
  }

  /** Closes for the first reason that is given. Whoever finds a session gone may not know that it was replaced. */
  end(reason: EndReason): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#line?.mute();
    if (reason === "session_ended") this.#close(reason);
    else setTimeout(() => this.#close(reason), REPLACED_HEAD_START_MS).unref();
  }

  #close(reason: EndReason): void {
    this.#line?.end(closeCodes[reason], reason);
  }
}
