import type { Request } from "express";
import session, { type Session, type SessionData } from "express-session";
import { type Callback, callBack } from "../../calls/callback.ts";
import { copyInherited } from "../data/merge.ts";
import { cookieOf } from "../data/session-cookie.ts";
import type { StoredSession } from "../session-store.ts";
import type { RecordOwner } from "./record-owner.ts";
import { SessionRecord } from "./session-record.ts";

/** The actions behind a session's own methods, for the request or connection that it belongs to. */
export interface SessionActions {
  save(session: Session): Promise<void>;
  reload(session: Session): Promise<void>;
  destroy(session: Session): Promise<void>;
  regenerate(session: Session): Promise<void>;
}

/**
 * The members of express-session's Session that are used unchanged. `touch` is one of them and calls `resetMaxAge`.
 */
interface SessionBasis {
  id: string;
  cookie: SessionData["cookie"];
}

const SessionBase = session.Session as unknown as new (req: Request, data: SessionData) => SessionBasis;

/**
 * express-session's Session, whose methods also return promises and go through the stack.
 *
 * It has no members beside those that Session has: data under any other name is the app's.
 */
export class BoundSession extends SessionBase {
  readonly #actions: SessionActions;
  readonly #record: SessionRecord;

  /** `req.sessionID` is the session's id; `data.cookie` is a Cookie already. */
  constructor(
    req: Request,
    data: SessionData,
    actions: SessionActions,
    owner: RecordOwner,
    stored: StoredSession | undefined,
  ) {
    super(req, data);
    copyInherited(data, this);
    this.#actions = actions;
    this.#record = new SessionRecord(this.#self(), owner, stored);
  }

  /** Whether this is a session of a stack. */
  static is(session: unknown): session is Session {
    return typeof session === "object" && session !== null && #record in session;
  }

  /** Returns the record of a session. The app must not see it. */
  static recordOf(bound: Session): SessionRecord {
    return (bound as unknown as BoundSession).#record;
  }

  save(callback?: Callback<void>): Promise<void> | this {
    return this.#answer(this.#actions.save(this.#self()), callback);
  }

  reload(callback?: Callback<void>): Promise<void> | this {
    return this.#answer(this.#actions.reload(this.#self()), callback);
  }

  destroy(callback?: Callback<void>): Promise<void> | this {
    return this.#answer(this.#actions.destroy(this.#self()), callback);
  }

  regenerate(callback?: Callback<void>): Promise<void> | this {
    return this.#answer(this.#actions.regenerate(this.#self()), callback);
  }

  resetMaxAge(): this {
    const cookie = cookieOf(this.#self());
    cookie.maxAge = cookie.originalMaxAge;
    return this;
  }

  #answer(done: Promise<void>, callback: Callback<void> | undefined): Promise<void> | this {
    if (callback) {
      callBack(done, callback);
      return this;
    }
    // As with express-session, a save that nobody waits for may fail without ending the process.
    done.catch(() => {});
    return done;
  }

  #self(): Session {
    return this as unknown as Session;
  }
}

/** Whether an app may store data under a name. The names of a session's own members are not available. */
export function isDataKey(key: unknown): boolean {
  return (
    typeof key === "string" && !["", "cookie", "id", "req"].includes(key) && !(key in BoundSession.prototype)
  );
}
