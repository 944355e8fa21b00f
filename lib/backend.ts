import type { Node } from "./bus/node.ts";
import type { SessionStore } from "./sessions/session-store.ts";
import type { SessionIndex } from "./users/session-index.ts";

/** Where state lives and how nodes talk: memory for one process, Redis for many. */
export interface Backend {
  readonly sessions: SessionStore;
  readonly sessionIndex: SessionIndex;
  /** This process among the nodes that share the backend. */
  readonly node: Node;
  /** Leaves the other nodes and closes what the backend has opened itself; the client stays the app's. */
  close(): Promise<void>;
}
