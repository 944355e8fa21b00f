import type { Backend } from "./backend.ts";
import { MemoryBus } from "./bus/memory-bus.ts";
import { Node, type NodeOptions } from "./bus/node.ts";
import { MemorySessionStore, type MemorySessionStoreOptions } from "./sessions/memory-session-store.ts";
import { MemorySessionIndex } from "./users/memory-session-index.ts";

/** Options of {@link memoryBackend}. */
export type MemoryBackendOptions = MemorySessionStoreOptions & NodeOptions;

/** Keeps everything in this process: for one node, for development and for tests. */
export function memoryBackend(options: MemoryBackendOptions = {}): Backend {
  const node = new Node(new MemoryBus(options), options);
  return {
    sessions: new MemorySessionStore(options),
    sessionIndex: new MemorySessionIndex(options),
    node,
    close: () => node.close(),
  };
}
