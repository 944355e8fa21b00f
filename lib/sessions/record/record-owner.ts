import type { Session, SessionData } from "express-session";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import type { SaveQueues } from "../saving/save-queues.ts";
import type { SessionStore } from "../session-store.ts";

/** The parts of a request or connection that its record needs. */
export interface RecordOwner {
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly saves: SaveQueues;
  /** Returns the id of the session's user. */
  userIdOf(data: SessionData): string | undefined;
  /** Called before each save of a session. `userId` is the session's last known user. */
  willSave(session: Session, userId: string | undefined): void;
  /**
   * Called once the user of the stored session has changed: to another user, to none, or because the session is gone.
   */
  userChanged(session: Session, before: string | undefined, after: string | undefined): Promise<void>;
}
