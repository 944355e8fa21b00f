import type { Request } from "express";
import type { Session } from "express-session";
import { isSessionDeleted, SessionStackError, sessionDeleted } from "../errors.ts";
import { BoundSession, type SessionActions } from "../sessions/record/bound-session.ts";
import type { SessionRecord } from "../sessions/record/session-record.ts";
import type { EndReason } from "../sessions/session-endings.ts";
import type { StoredSession } from "../sessions/session-store.ts";
import { notCarried, type Obstacle } from "./cookies/not-carried.ts";
import { debugSession } from "./debug-session.ts";

/** The steps that the session of a request or connection can take. */
export interface SessionSteps {
  /** The record of the session in `req.session`. */
  readonly record: SessionRecord | undefined;
  /** Whether it is too late to send a cookie. */
  readonly isHeadSent: boolean;
  /** Why the session may not be stored, if it may not. */
  obstacleTo(record: SessionRecord): Obstacle | undefined;
  /** Saves a session that may be stored. */
  write(record: SessionRecord): Promise<void>;
  /** Puts a stored session into `req.session`. */
  adopt(stored: StoredSession): void;
  /** Puts a new session with a new id into `req.session`. */
  generate(): void;
  /** Ends a session. Resolves to whether it was still there. */
  end(record: SessionRecord, reason: EndReason): Promise<boolean>;
  /** Leaves the client its cookie. The cookie may belong to another session by now. */
  leaveCookie(record: SessionRecord): void;
}

/** Carries out the method calls on the `req.session` of a request or connection. */
export class RequestSessionActions implements SessionActions {
  readonly #req: Request;
  readonly #open: SessionSteps;

  constructor(req: Request, open: SessionSteps) {
    this.#req = req;
    this.#open = open;
  }

  async save(saved: Session): Promise<void> {
    const record = BoundSession.recordOf(saved);
    const obstacle = record.hasEnded ? undefined : this.#open.obstacleTo(record);
    if (obstacle) {
      debugSession(this.#req, `not saved: a new session without a cookie, ${obstacle}`);
      throw notCarried(obstacle);
    }
    await this.#open.write(record);
  }

  async reload(reloaded: Session): Promise<void> {
    const stored = await BoundSession.recordOf(reloaded)
      .read()
      .catch((error) => {
        if (!isSessionDeleted(error)) throw error;
        // The message is that of express-session. The cause says what to do.
        throw new SessionStackError("ERR_SESSION_DELETED", "failed to load session", { cause: error });
      });
    this.#req.sessionID = reloaded.id;
    this.#open.adopt(stored);
  }

  async destroy(destroyed: Session): Promise<void> {
    const record = BoundSession.recordOf(destroyed);
    Reflect.deleteProperty(this.#req, "session");
    try {
      await this.#open.end(record, "session_ended");
    } catch (error) {
      // The session may still exist. A second attempt must not find that there is nothing to end.
      if (this.#req.session === undefined) this.#req.session = destroyed as Request["session"];
      throw error;
    }
  }

  async regenerate(replaced: Session): Promise<void> {
    // The new id would never reach the client. The old session is kept, because ending it would gain nothing.
    if (this.#open.isHeadSent) throw notCarried("head sent");
    const record = BoundSession.recordOf(replaced);
    const { userId } = record;
    if (await this.#open.end(record, "session_replaced")) {
      this.#open.generate();
      return;
    }
    this.#open.leaveCookie(record);
    // Somebody has ended the login in the meantime. A new id would let the login go on.
    if (userId !== undefined) throw sessionDeleted();
    this.#open.generate();
    // As with a late request, the new cookie would replace the one that the client has received in the meantime.
    if (!record.isLoggingIn) this.#open.record?.close();
  }
}
