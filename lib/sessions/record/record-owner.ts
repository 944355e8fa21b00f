import type { Session, SessionData } from "express-session";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import type { SaveQueues } from "../saving/save-queues.ts";
import type { SessionStore } from "../session-store.ts";

/** What a record needs of the request or connection that it serves. */
export interface RecordOwner {
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly saves: SaveQueues;
  /** Whose session this is. */
  userIdOf(data: SessionData): string | undefined;
  /** Called before a session is saved that was last seen as this user's. */
  willSave(session: Session, userId: string | undefined): void;
  /** Called once the stored session is another user's than before, nobody's, or gone. */
  userChanged(session: Session, before: string | undefined, after: string | undefined): Promise<void>;
}
