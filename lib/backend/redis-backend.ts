import { Node } from "../bus/node/node.ts";
import { NODE_RULES, type NodeOptions } from "../bus/node/node-options.ts";
import { RedisBus } from "../bus/redis-bus.ts";
import { RedisConnectionStore } from "../connections/redis-connection-store.ts";
import { RedisRegistry } from "../connections/redis-registry.ts";
import { RedisMemberships } from "../groups/redis-memberships.ts";
import { optionsCheck } from "../options/options-check.ts";
import { wholeNumber } from "../options/rule.ts";
import { assertClientOf } from "../redis-client/assert-redis-client.ts";
import { ownPrefix } from "../redis-client/redis-client.ts";
import { Replicas } from "../redis-client/replicas.ts";
import {
  REDIS_STORE_RULES,
  type RedisSessionStoreOptions,
} from "../sessions/redis/redis-session-store-options.ts";
import { RedisSessionStore } from "../sessions/redis-session-store.ts";
import { ReplicatedSessionStore } from "../sessions/replicated-session-store.ts";
import { RedisSessionIndex } from "../users/session-index/redis-session-index.ts";
import type { Backend } from "./backend.ts";

/** Options of {@link redisBackend}: those of connect-redis, but for the prefix. */
export interface RedisBackendOptions extends Omit<RedisSessionStoreOptions, "prefix">, NodeOptions {
  /**
   * What stands before every key: sessions are `<prefix>sess:<sid>`, all else is under `<prefix>session-stack:`. Apps that
   * share a Redis need one each, else they share their users. @default ""
   */
  prefix?: string;
  /**
   * Replicas that must have it before the end of a session, or a leave, is answered: a failover cannot take it back then.
   * Behind a sentinel give the number of all replicas: one that is asked for a failover overlaps two masters.
   * Each costs a round trip to the replicas. One that is not confirmed within a second rejects with
   * `ERR_STORE_UNAVAILABLE`; it is made all the same, and can be asked for again. More than your masters have: all reject.
   *
   * @default none
   */
  endsOnReplicas?: number;
}

const checked = optionsCheck<RedisBackendOptions>("redisBackend", {
  ...REDIS_STORE_RULES,
  ...NODE_RULES,
  endsOnReplicas: wholeNumber("a whole number of replicas, from 1 to 100", 100),
});

/**
 * Keeps everything in Redis, for as many nodes as there are.
 *
 * The client is the app's: connected, with an `error` listener, and closed by the app.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function redisBackend(options: RedisBackendOptions): Backend {
  assertClientOf("redisBackend", options, true);
  const config = checked(options);
  const { client, prefix = "", leaseMs: _, endsOnReplicas, ...ofSessions } = config;
  const own = ownPrefix(prefix);
  const bus = new RedisBus(client, own);
  const node = new Node(bus, config);
  const sessionOptions = { ...ofSessions, client, prefix: `${prefix}sess:` };
  const replicas = endsOnReplicas === undefined ? undefined : new Replicas(client, endsOnReplicas);
  return {
    sessions: replicas
      ? new ReplicatedSessionStore(sessionOptions, replicas)
      : new RedisSessionStore(sessionOptions),
    sessionIndex: new RedisSessionIndex(client, own),
    registry: new RedisRegistry(client, own),
    memberships: new RedisMemberships(client, own, replicas),
    bus,
    node,
    connectionStore: (options) => new RedisConnectionStore(client, own, options),
    async close() {
      replicas?.close();
      await node.close();
    },
  };
}
