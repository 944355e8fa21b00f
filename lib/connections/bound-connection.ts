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
const REPLACED_HEAD_START_MS = 250;

/** A connection bound to a session, from before its handshake is answered until it is closed. */
export class BoundConnection {
  readonly sid: string;
  /** Whose session it was when the connection was made. */
  userId: string | undefined;
  #line: Closable | undefined;
  #hasEnded = false;

  constructor(sid: string) {
    this.sid = sid;
  }

  /** Whether its session has ended; before the handshake is answered, it is then refused. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The handshake is answered: from here on the line is closed when the session ends. */
  open(line: Closable): void {
    this.#line = line;
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
