import type { Request } from "express";
import type { Session } from "express-session";
import { isSessionDeleted, SessionStackError, sessionDeleted } from "../errors.ts";
import { BoundSession, type SessionActions } from "../sessions/record/bound-session.ts";
import { notCarried } from "./cookies/not-carried.ts";
import { debugSession } from "./debug-session.ts";
import type { OpenSession } from "./open-session.ts";

/** Carries out what the `req.session` of a request or connection is told. */
export class RequestSessionActions implements SessionActions {
  readonly #req: Request;
  readonly #open: OpenSession;

  constructor(req: Request, open: OpenSession) {
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
        // The words that express-session has for it; what to do is in the cause.
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
      // It may be there still: whoever asks again must not be told that there is nothing to end.
      if (this.#req.session === undefined) this.#req.session = destroyed as Request["session"];
      throw error;
    }
  }

  async regenerate(replaced: Session): Promise<void> {
    // Its id would never reach the client: then rather keep the old session than end it for nothing.
    if (this.#open.isHeadSent) throw notCarried("head sent");
    const record = BoundSession.recordOf(replaced);
    const { userId } = record;
    if (await this.#open.end(record, "session_replaced")) {
      this.#open.generate();
      return;
    }
    this.#open.leaveCookie(record);
    // Somebody has ended the login meanwhile: under another id it would go on.
    if (userId !== undefined) throw sessionDeleted();
    this.#open.generate();
    // As with a late request: its cookie would take the place of what the client was given meanwhile.
    if (!record.isLoggingIn) this.#open.record?.close();
  }
}
