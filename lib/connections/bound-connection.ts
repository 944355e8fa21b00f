import { closeCodes } from "../close-codes.ts";
import type { EndReason } from "../sessions/session-endings.ts";

/** A connection, as the code that ends sessions sees it. */
export interface Closable {
  /** Stops all messages, in both directions. */
  mute(): void;
  /** Mutes and closes. */
  end(code: number, reason: string): void;
}

/**
 * Milliseconds between a session's replacement and the close of its connections. The response with the new cookie gets
 * this head start. Otherwise a client would come back with the old cookie, without a session.
 */
export const REPLACED_HEAD_START_MS = 250;

/** A connection bound to a session, from before its handshake is answered until it is closed. */
export class BoundConnection {
  readonly sid: string;
  /** The user of the session when the connection was made. */
  userId: string | undefined;
  #line: Closable | undefined;
  #hasEnded = false;
  /** The session's user as reported during the handshake, if a change was reported. */
  #told: { readonly userId: string | undefined } | undefined;
  #isDoubtful = false;

  constructor(sid: string) {
    this.sid = sid;
  }

  /** Whether the session has ended. A handshake that is not answered yet is refused then. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the session's user may have changed from `userId` to another during the handshake. */
  mayBeOthers(userId: string | undefined): boolean {
    return this.#isDoubtful || (this.#told !== undefined && this.#told.userId !== userId);
  }

  /** Binds to the session's user. The session is read after this call, so earlier reports about the user no longer count. */
  bindTo(userId: string | undefined): void {
    this.userId = userId;
    this.#told = undefined;
    this.#isDoubtful = false;
  }

  /** Notes that a report about the session may have been missed. Only a handshake needs this. */
  invalidate(): void {
    if (!this.#line) this.#isDoubtful = true;
  }

  /** Takes a report of the session's new user. An open line of another user closes, so that the client reconnects. */
  follow(userId: string | undefined): void {
    if (!this.#line) this.#told = { userId };
    else if (userId !== this.userId) this.end("session_replaced");
  }

  /** Takes the line of an answered handshake. The line closes when the session ends. */
  open(line: Closable): void {
    this.#line = line;
    if (this.mayBeOthers(this.userId)) this.end("session_replaced");
  }

  /** Closes with the first reason given. A caller that finds the session gone may not know that it was replaced. */
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
