import { inBatches } from "../calls/in-batches.ts";
import { checkOptions } from "../options/options-check.ts";
import { assertClientOf } from "../redis-client/assert-redis-client.ts";
import { ownPrefix, type RedisClient, readyClient } from "../redis-client/redis-client.ts";
import { keysOf, scanningClient } from "../redis-client/scanning-client.ts";
import { REDIS_STORE_RULES } from "../sessions/redis/redis-session-store-options.ts";
import { RedisMemberships } from "./redis-memberships.ts";

/** Options of {@link moveGroups}: those that `redisBackend` is given. */
export interface MoveGroupsOptions {
  /** A connected node-redis client, cluster or sentinel. */
  client: RedisClient;
  /** What stands before every key. @default "" */
  prefix?: string;
}

/** Memberships that are moved at a time. */
const MOVED_AT_ONCE = 100;

const { client: clientRule, prefix: prefixRule } = REDIS_STORE_RULES;

/**
 * Moves the memberships of groups from where former versions kept them, at `user:<id>:groups` and `group:<name>:members`
 * behind the prefix, to where `redisBackend` looks for them now. Resolves to how many there were.
 *
 * Only what both keys agree on is a membership; all else is left as it is, whosever it may be. Each is in its new place
 * before it leaves the old one: a call that failed is made again, and nothing is lost by it.
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
      // Another program may keep something else under such a name.
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
