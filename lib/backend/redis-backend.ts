import { Node } from "../bus/node/node.ts";
import { NODE_RULES, type NodeOptions } from "../bus/node/node-options.ts";
import { RedisBus } from "../bus/redis-bus.ts";
import { RedisConnectionStore } from "../connections/redis-connection-store.ts";
import { RedisRegistry } from "../connections/redis-registry.ts";
import { RedisMemberships } from "../groups/redis-memberships.ts";
import { RedisHistory } from "../history/redis-history.ts";
import { optionsCheck } from "../options/options-check.ts";
import { wholeNumber } from "../options/rule.ts";
import { RedisOutcomes } from "../outcomes/redis-outcomes.ts";
import { assertClientOf } from "../redis-client/assert-redis-client.ts";
import { ownPrefix } from "../redis-client/redis-client.ts";
import { Replicas } from "../redis-client/replicas.ts";
import { assertPrefixOfSlots } from "../redis-client/slot-tag.ts";
import {
  REDIS_STORE_RULES,
  type RedisSessionStoreOptions,
} from "../sessions/redis/redis-session-store-options.ts";
import { RedisSessionStore } from "../sessions/redis-session-store.ts";
import { ReplicatedSessionStore } from "../sessions/replicated-session-store.ts";
import { RedisSessionIndex } from "../users/session-index/redis-session-index.ts";
import type { Backend } from "./backend.ts";

/** Options of {@link redisBackend}. They are those of connect-redis, except for the prefix. */
export interface RedisBackendOptions extends Omit<RedisSessionStoreOptions, "prefix">, NodeOptions {
  /**
   * The start of every key. Sessions are stored at `<prefix>sess:<sid>`, everything else under `<prefix>session-stack:`.
   * Apps that share a Redis need a prefix each; otherwise they share their users. On a cluster braces must have text
   * between them, as in `{app}:`, which puts all keys into one slot. @default ""
   */
  prefix?: string;
  /**
   * Number of replicas that must have the end of a session, or a leave, before the call resolves. A failover cannot undo
   * the change then. Behind a sentinel give the number of all replicas, because two masters overlap during a failover that
   * is asked for. Each such call costs a round trip to the replicas. A call that is not confirmed within a second rejects
   * with `ERR_STORE_UNAVAILABLE`; the change is made all the same, and the call can be repeated. If the number is higher
   * than the replicas that your masters have, every call rejects.
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
 * Keeps everything in Redis, for any number of nodes.
 *
 * The app owns the client: the app connects it, gives it an `error` listener, and closes it.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function redisBackend(options: RedisBackendOptions): Backend {
  assertClientOf("redisBackend", options, true);
  const config = checked(options);
  const { client, prefix = "", leaseMs: _, endsOnReplicas, ...ofSessions } = config;
  assertPrefixOfSlots("redisBackend", client, prefix);
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
    history: new RedisHistory(client, own),
    outcomes: new RedisOutcomes(client, own),
    bus,
    node,
    connectionStore: (options) => new RedisConnectionStore(client, own, options),
    async close() {
      replicas?.close();
      await node.close();
    },
  };
}
