import { createClient, createCluster, createSentinel } from "redis";
import { type MemoryBackendOptions, memoryBackend, Node, type NodeOptions } from "../../lib/index.ts";
import {
  type RedisBackendOptions,
  RedisSessionStore,
  type RedisSessionStoreOptions,
  redisBackend,
} from "../../lib/redis.ts";
import { type Subject, subject } from "./subject.ts";
import { aFunction, limit, noNumber, nothing, type Rows, trueOrFalse } from "./values.ts";

const { bus } = memoryBackend();
const rootNodes = [{ url: "redis://127.0.0.1:1" }];
const client = createClient();
const cluster = createCluster({ rootNodes });
const sentinel = createSentinel({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });

const lease = {
  right: [1, 10_000, 2 ** 31 - 1],
  wrong: [...noNumber, 0, -1, 1.5, 2 ** 31, Number.POSITIVE_INFINITY],
};

const storeRows: Rows<RedisSessionStoreOptions> = {
  client: {
    // Clusters and sentinels of node-redis 5 are refused.
    right: "getNodeClientForKey" in cluster ? [client, cluster, sentinel] : [client],
    wrong: [
      undefined,
      {},
      "redis://127.0.0.1",
      createClient,
      true,
      null,
      [],
      Promise.resolve(client),
      new Map(),
    ],
  },
  prefix: {
    right: ["", "app:", "{app}:"],
    wrong: ["a*", "a?", "[a]", "a\\", "\ud800", 7, true, null, {}, []],
  },
  ttl: {
    right: [1, 86_400, 2 ** 40, () => 60],
    wrong: [...noNumber, 0, -1, 1.5, 1e300, Number.POSITIVE_INFINITY],
  },
  serializer: {
    right: [JSON, { parse: JSON.parse, stringify: JSON.stringify }],
    wrong: [{}, { parse: JSON.parse }, { parse: 1, stringify: 2 }, "json", true, null, [], nothing],
  },
  disableTTL: trueOrFalse,
  disableTouch: trueOrFalse,
  scanCount: { right: [1, 1000], wrong: [...noNumber, 0, -1, 1.5, Number.POSITIVE_INFINITY] },
};

export const backendSubjects: readonly Subject[] = [
  subject<MemoryBackendOptions>({
    whose: "memoryBackend",
    make: (options) => memoryBackend(options as MemoryBackendOptions),
    rows: {
      ttl: {
        right: [0.5, 1, 86_400, Number.POSITIVE_INFINITY],
        wrong: [...noNumber, 0, -1, () => 60],
      },
      now: aFunction,
      maxSessions: limit,
      maxSessionBytes: limit,
      maxMemberships: limit,
      maxConnectionDataBytes: limit,
      maxHistoryBytes: limit,
      leaseMs: lease,
    },
  }),
  subject<RedisBackendOptions>({
    whose: "redisBackend",
    make: (options) => redisBackend(options as RedisBackendOptions),
    base: { client },
    rows: {
      ...storeRows,
      leaseMs: lease,
      endsOnReplicas: { right: [1, 100], wrong: [...noNumber, 0, -1, 1.5, 101, Number.POSITIVE_INFINITY] },
    },
  }),
  subject<RedisSessionStoreOptions>({
    whose: "RedisSessionStore",
    make: (options) => new RedisSessionStore(options as RedisSessionStoreOptions),
    base: { client },
    rows: storeRows,
  }),
];

/** Accepts any further options, because backends pass theirs on. */
export const nodeSubject: Subject = subject<NodeOptions>({
  whose: "Node",
  make: (options) => new Node(bus, options as NodeOptions),
  rows: { leaseMs: lease },
});
