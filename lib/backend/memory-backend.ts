import { MemoryBus } from "../bus/memory-bus.ts";
import { Node } from "../bus/node/node.ts";
import { NODE_RULES, type NodeOptions } from "../bus/node/node-options.ts";
import { MemoryConnectionStore } from "../connections/memory-connection-store.ts";
import { MemoryRegistry } from "../connections/memory-registry.ts";
import { MemoryMemberships } from "../groups/memory-memberships.ts";
import { MemoryHistory } from "../history/memory-history.ts";
import { type MemoryLimits, MemoryQuotas } from "../memory/memory-quotas.ts";
import { optionsCheck } from "../options/options-check.ts";
import { aFunction, limit } from "../options/rule.ts";
import { MemoryOutcomes } from "../outcomes/memory-outcomes.ts";
import { MemorySessionStore, type MemorySessionStoreOptions } from "../sessions/memory-session-store.ts";
import { MemorySessionIndex } from "../users/session-index/memory-session-index.ts";
import type { Backend } from "./backend.ts";

/** Options of {@link memoryBackend}. */
export type MemoryBackendOptions = MemorySessionStoreOptions & MemoryLimits & NodeOptions;

const checked = optionsCheck<MemoryBackendOptions>("memoryBackend", {
  ttl: {
    expected: "a number of seconds, more than 0",
    isRight: (value) => typeof value === "number" && value > 0,
  },
  now: aFunction,
  maxSessions: limit,
  maxSessionBytes: limit,
  maxMemberships: limit,
  maxConnectionDataBytes: limit,
  maxHistoryBytes: limit,
  ...NODE_RULES,
});

/** Keeps everything in this process. It serves one node, development and tests. @throws {TypeError} that names the option which is wrong. */
export function memoryBackend(options?: MemoryBackendOptions): Backend {
  const config = checked(options);
  const bus = new MemoryBus(config);
  const node = new Node(bus, config);
  const quotas = new MemoryQuotas(config);
  return {
    sessions: new MemorySessionStore(config, quotas),
    sessionIndex: new MemorySessionIndex(config, quotas),
    registry: new MemoryRegistry(config),
    memberships: new MemoryMemberships(quotas),
    history: new MemoryHistory(bus, config, quotas),
    outcomes: new MemoryOutcomes(),
    bus,
    node,
    connectionStore: (storeOptions) => new MemoryConnectionStore(storeOptions, config, quotas),
    stats: () => quotas.stats,
    close: () => node.close(),
  };
}
