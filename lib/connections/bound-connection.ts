import { closeCodes } from "../close-codes.ts";
import type { EndReason } from "../sessions/session-endings.ts";

/** What a connection is to those who end sessions: something that can be closed for good. */
export interface Closable {
  end(code: number, reason: string): void;
}

/** A connection bound to a session, from before its handshake is answered until it is closed. */
export class BoundConnection {
  readonly sid: string;
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

  end(reason: EndReason): void {
    this.#hasEnded = true;
    this.#line?.end(closeCodes[reason], reason);
  }
}
