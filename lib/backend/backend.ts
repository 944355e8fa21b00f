import type { Bus } from "../bus/bus.ts";
import type { Node } from "../bus/node/node.ts";
import type { ConnectionStore, ConnectionStoreOptions } from "../connections/connection-store.ts";
import type { Registry } from "../connections/registry.ts";
import type { Memberships } from "../groups/memberships.ts";
import type { History } from "../history/history.ts";
import type { MemoryStats } from "../memory/memory-quotas.ts";
import type { Outcomes } from "../outcomes/outcomes.ts";
import type { SessionStore } from "../sessions/session-store.ts";
import type { SessionIndex } from "../users/session-index/session-index.ts";

/** Where state lives and how nodes talk: memory for one process, Redis for many. */
export interface Backend {
  /** Where sessions live. */
  readonly sessions: SessionStore;
  /** Which sessions users have. */
  readonly sessionIndex: SessionIndex;
  /** Which connections users have, on which nodes. */
  readonly registry: Registry;
  /** Which users are in which groups. */
  readonly memberships: Memberships;
  /** The last messages of channels. It publishes on `bus`. Absent: `realtime({ history })` is refused. */
  readonly history?: History;
  /** Outcomes of requests that clients may repeat. Absent: repeatable requests are answered with `retry_unsupported`. */
  readonly outcomes?: Outcomes;
  /** How nodes talk. */
  readonly bus: Bus;
  /** This process among the nodes that share the backend. */
  readonly node: Node;
  /** Creates a store for the data of connections. */
  connectionStore(options: ConnectionStoreOptions): ConnectionStore;
  /** Figures of what the backend keeps in this process. Absent if it keeps nothing there. */
  stats?(): MemoryStats;
  /** Leaves the other nodes and closes what the backend has opened itself. The app closes its own client. */
  close(): Promise<void>;
}

const PARTS: Readonly<
  Record<Exclude<keyof Backend, "history" | "outcomes" | "stats">, "object" | "function">
> = Object.freeze({
  sessions: "object",
  sessionIndex: "object",
  registry: "object",
  memberships: "object",
  bus: "object",
  node: "object",
  connectionStore: "function",
  close: "function",
});

/** Whether a value has all parts of a backend. */
export function isBackend(value: unknown): value is Backend {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(PARTS).every(([name, kind]) => {
    const part = (value as Record<string, unknown>)[name];
    return typeof part === kind && part !== null;
  });
}
