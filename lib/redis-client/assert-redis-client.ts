import { isRequest } from "../options/uncalled.ts";
import { commandOptionsOf, isCluster, type RedisClient } from "./redis-client.ts";

/**
 * Throws at once for a client that would fail later, and says what to pass instead. Options without a client are left
 * to the check of all options.
 *
 * A client that is not connected yet is accepted: many apps connect it while they are being set up.
 */
export function assertClientOf(factory: string, options: unknown, subscribes: boolean): void {
  // A request also has a `client`. It arrives here if a factory was passed uncalled, and another check reports that.
  if (typeof options !== "object" || options === null || !("client" in options) || isRequest(options)) return;
  const { client } = options;
  const objection = objectionTo(client, subscribes);
  if (objection === undefined) return;
  throw new TypeError(
    `${factory}: option "client" must be a node-redis client, cluster or sentinel: ${objection}`,
  );
}

function objectionTo(client: unknown, subscribes: boolean): string | undefined {
  if (client === undefined || client === null) return 'pass { client }, made by createClient() of "redis"';
  if (typeof client !== "object") return 'make one by createClient() of "redis"';
  const can = (...names: string[]) => names.every((name) => typeof Reflect.get(client, name) === "function");
  if (can("then")) return "this is a promise, await it first";
  if (!can("evalSha")) {
    if (can("evalsha")) return 'this is one of ioredis, make one by createClient() of "redis"';
    if (can("get", "set", "destroy")) return "this is a session store, pass the client that it was made with";
    return 'make one by createClient() of "redis"';
  }
  if ("totalClients" in client)
    return "this is a pool, which cannot subscribe; pass what createClient() returns";
  if (!can("on")) {
    const part = can("exec") ? "multi()" : can("release") ? "acquire()" : "legacy()";
    return `this is what ${part} of one returns, pass the client itself`;
  }
  return objectionToClient(client as RedisClient, subscribes);
}

/** Returns the objection to a client, cluster or sentinel of node-redis. */
function objectionToClient(client: RedisClient, subscribes: boolean): string | undefined {
  const isWithoutDuplicate = typeof client.duplicate !== "function";
  if (subscribes && isWithoutDuplicate)
    return "a sentinel of node-redis 5 has no duplicate(), use node-redis 6";
  // Such a cluster listens for an event that no client of its own emits. Channels that move are silent from then on.
  if (subscribes && isCluster(client) && !("getNodeClientForKey" in client))
    return "a cluster of node-redis before 6.1 loses its subscriptions, use node-redis 6.1 or newer";
  const stale = readsStale(client);
  if (stale) return `with ${stale} it reads sessions that have ended already, leave that out`;
  const { typeMapping = {} } = commandOptionsOf(client);
  if (isWithoutDuplicate && Object.keys(typeMapping).length > 0)
    return "a sentinel of node-redis 5 cannot be used without its typeMapping, use node-redis 6 or leave it out";
  if (isSubscriber(client))
    return "this one has subscriptions, and with RESP 2 takes no commands; subscribe with a duplicate() of it";
  return undefined;
}

/**
 * Returns the option that makes a client read values which its master has changed already. A sentinel does not show
 * its options.
 */
function readsStale(client: RedisClient): string | undefined {
  const { options, _options } = client as Partial<Record<"options" | "_options", Record<string, unknown>>>;
  return ["useReplicas", "clientSideCache"].find((name) => options?.[name] || _options?.[name]);
}

function isSubscriber(client: RedisClient): boolean {
  const { isPubSubActive, options } = client as { isPubSubActive?: boolean; options?: { RESP?: number } };
  if (!isPubSubActive) return false;
  // node-redis 6 speaks RESP 3 by default. It is recognised by the timeout that it gives to commands.
  const spoken = options?.RESP ?? (commandOptionsOf(client).timeout === undefined ? 2 : 3);
  return spoken === 2;
}
