import { inBatches } from "../calls/in-batches.ts";
import { checkOptions } from "../options/options-check.ts";
import { assertClientOf } from "../redis-client/assert-redis-client.ts";
import { ownPrefix, type RedisClient, readyClient } from "../redis-client/redis-client.ts";
import { keysOf, scanningClient } from "../redis-client/scanning-client.ts";
import { REDIS_STORE_RULES } from "../sessions/redis/redis-session-store-options.ts";
import { RedisMemberships } from "./redis-memberships.ts";

/** Options of {@link moveGroups}. They have the values that `redisBackend` is given. */
export interface MoveGroupsOptions {
  /** A connected node-redis client, cluster or sentinel. */
  client: RedisClient;
  /** The start of every key. @default "" */
  prefix?: string;
}

/** Memberships that are moved in parallel. */
const MOVED_AT_ONCE = 100;

const { client: clientRule, prefix: prefixRule } = REDIS_STORE_RULES;

/**
 * Moves the memberships of groups to the keys that `redisBackend` uses now. Former versions kept them at `user:<id>:groups`
 * and `group:<name>:members` behind the prefix. Resolves to the number of memberships moved.
 *
 * A membership is moved only if both keys have it. All other data stays as it is, because it may belong to another program.
 * Each membership is written to its new place before it leaves the old one. So a call that failed can be repeated, and
 * nothing is lost.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export async function moveGroups(options: MoveGroupsOptions): Promise<number> {
  assertClientOf("moveGroups", options, false);
  const rules = { client: clientRule, prefix: prefixRule };
  const { client, prefix = "" } = checkOptions<MoveGroupsOptions>("moveGroups", rules, options);
  const from = new RedisMemberships(client, prefix);
  const to = new RedisMemberships(client, ownPrefix(prefix));
  const asked = readyClient(client);
  let moved = 0;
  for await (const keys of keysOf(scanningClient(client), `${prefix}user:*:groups`)) {
    for (const key of keys) {
      const userId = key.slice(`${prefix}user:`.length, -":groups".length);
      // Another program may keep other data under such a key.
      const groups = (await isSet(asked(), key)) ? await from.groupsOf(userId) : [];
      await inBatches(groups, (group) => move(userId, group), MOVED_AT_ONCE);
    }
  }
  return moved;

  async function move(userId: string, group: string): Promise<void> {
    const membersKey = `${prefix}group:${group}:members`;
    if (!(await isSet(asked(), membersKey))) return;
    if (Number(await asked().sIsMember(membersKey, userId)) !== 1) return;
    await to.join(userId, group, Number.POSITIVE_INFINITY);
    await from.leave(userId, group);
    moved++;
  }
}

async function isSet(client: RedisClient, key: string): Promise<boolean> {
  return String(await client.type(key)) === "set";
}
