import { keyPrefixOf, plainClient, type RedisClient } from "../redis-client.ts";

/** What connect-redis scans with. All members are node-redis's. */
interface Scanner {
  scanIterator(options: { MATCH: string; COUNT: number }): AsyncIterable<unknown[]>;
  nodeClient(node: unknown): RedisClient | Promise<RedisClient>;
}

/**
 * The client for connect-redis's own methods: its answers are text, and it finds keys by the names that the other
 * commands take. node-redis scans by the options of a sentinel's or cluster's connections, and without `keyPrefix`.
 */
export function scanningClient(client: RedisClient): RedisClient {
  return scanning(client, keyPrefixOf(client));
}

function scanning(client: RedisClient, keyPrefix: string): RedisClient {
  const plain = plainClient(client);
  const scanner = plain as RedisClient & Scanner;
  const own: Scanner = {
    async *scanIterator({ MATCH, COUNT }) {
      const pattern = `${keyPrefix.replace(/[\\*?[\]]/g, "\\$&")}${MATCH}`;
      for await (const keys of scanner.scanIterator({ MATCH: pattern, COUNT }))
        yield keys.map((key) => String(key).slice(keyPrefix.length));
    },
    nodeClient: async (node) => scanning(await scanner.nodeClient(node), keyPrefix),
  };
  return Object.create(plain, {
    scanIterator: { value: own.scanIterator },
    nodeClient: { value: own.nodeClient },
  }) as RedisClient;
}
