import type { Backend } from "./backend.ts";
import { MemoryBus } from "./bus/memory-bus.ts";
import { Node, type NodeOptions } from "./bus/node.ts";
import { MemoryConnectionStore } from "./connections/memory-connection-store.ts";
import { MemoryRegistry } from "./connections/memory-registry.ts";
import { MemoryMemberships } from "./groups/memory-memberships.ts";
import { MemorySessionStore, type MemorySessionStoreOptions } from "./sessions/memory-session-store.ts";
import { MemorySessionIndex } from "./users/memory-session-index.ts";

/** Options of {@link memoryBackend}. */
export type MemoryBackendOptions = MemorySessionStoreOptions & NodeOptions;

/** Keeps everything in this process: for one node, for development and for tests. */
export function memoryBackend(options: MemoryBackendOptions = {}): Backend {
  const bus = new MemoryBus(options);
  const node = new Node(bus, options);
  return {
    sessions: new MemorySessionStore(options),
    sessionIndex: new MemorySessionIndex(options),
    registry: new MemoryRegistry(options),
    memberships: new MemoryMemberships(),
    bus,
    node,
    connectionStore: (storeOptions) => new MemoryConnectionStore(storeOptions, options),
    close: () => node.close(),
  };
}
