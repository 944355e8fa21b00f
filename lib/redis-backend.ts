import { assertRedisClient } from "./assert-redis-client.ts";
import type { Backend } from "./backend.ts";
import { Node, type NodeOptions } from "./bus/node.ts";
import { RedisBus } from "./bus/redis-bus.ts";
import { RedisConnectionStore } from "./connections/redis-connection-store.ts";
import { RedisRegistry } from "./connections/redis-registry.ts";
import { RedisMemberships } from "./groups/redis-memberships.ts";
import { RedisSessionStore, type RedisSessionStoreOptions } from "./sessions/redis-session-store.ts";
import { RedisSessionIndex } from "./users/redis-session-index.ts";

/** Options of {@link redisBackend}: those of connect-redis, but for the prefix. */
export interface RedisBackendOptions extends Omit<RedisSessionStoreOptions, "prefix">, NodeOptions {
  /** What stands before every key: sessions are `<prefix>sess:<sid>`. @default "" */
  prefix?: string;
}

/**
 * Keeps everything in Redis, for as many nodes as there are.
 *
 * The client is the app's: connected, with an `error` listener, and closed by the app.
 */
export function redisBackend(options: RedisBackendOptions): Backend {
  const { client, prefix = "" } = options;
  assertRedisClient("redisBackend", client, true);
  const bus = new RedisBus(client, prefix);
  const node = new Node(bus, options);
  return {
    sessions: new RedisSessionStore({ ...options, prefix: `${prefix}sess:` }),
    sessionIndex: new RedisSessionIndex(client, prefix),
    registry: new RedisRegistry(client, prefix),
    memberships: new RedisMemberships(client, prefix),
    bus,
    node,
    connectionStore: (storeOptions) => new RedisConnectionStore(client, prefix, storeOptions),
    close: () => node.close(),
  };
}
