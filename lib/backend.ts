import type { SessionStore } from "./sessions/session-store.ts";

/** Where state lives and how nodes talk: memory for one process, Redis for many. */
export interface Backend {
  readonly sessions: SessionStore;
}
