import type { RedisClient } from "../support/redis-client.ts";

/** Sessions, their index, and memberships outlive connections; all else goes with them. */
const STAYS = /^(sess:.*|session-stack:user:.*:(sessions|groups)|session-stack:group:group-.*:members)$/;

/** That it lives, and that it is one to ask for connections: both go with the node. */
const OF_OPEN_NODES = /^session-stack:nodes(:connected)?$/;

/** Keys and channels that are left of connections, but for those that the node has until it ends. */
export async function leftInRedis(
  redis: RedisClient,
  prefix: string,
  isNodeOpen: boolean,
): Promise<string[]> {
  const left: string[] = [];
  for await (const keys of redis.scanIterator({ MATCH: `${prefix}*`, COUNT: 1_000 })) {
    for (const key of keys) {
      const name = key.slice(prefix.length);
      if (STAYS.test(name) || (isNodeOpen && OF_OPEN_NODES.test(name))) continue;
      left.push(`key ${name}`);
    }
  }
  const channels = await redis.pubSubChannels(`${prefix}*`);
  // While it is open, that of the node itself and that of all nodes.
  const known = isNodeOpen ? channels.filter((channel) => /:(user|group):/.test(channel)) : channels;
  return [...left, ...known.map((channel) => `channel ${channel.slice(prefix.length)}`)];
}
