import { keyPrefixOf, plainClient, type RedisClient } from "./redis-client.ts";

/** The methods that connect-redis scans with. All members are node-redis's. */
interface Scanner {
  scanIterator(options: { MATCH: string; COUNT: number }): AsyncIterable<unknown[]>;
  nodeClient(node: unknown): RedisClient | Promise<RedisClient>;
}

/** How many keys a SCAN asks for, as in connect-redis. */
const KEYS_AT_A_TIME = 100;

/**
 * Returns the client for connect-redis's own methods. Its answers are text, and it returns keys under the names that
 * the other commands take. node-redis itself scans with the options of a sentinel's or cluster's connections, and
 * without `keyPrefix`.
 */
export function scanningClient(client: RedisClient): RedisClient {
  return scanning(client, keyPrefixOf(client));
}

/**
 * Iterates over the keys of a pattern as they are found. In a cluster, the masters follow one after the other. Some
 * keys may come twice.
 */
export async function* keysOf(
  scanningClient: RedisClient,
  pattern: string,
  count: number = KEYS_AT_A_TIME,
): AsyncIterable<string[]> {
  const client = scanningClient as RedisClient & Scanner & { readonly masters?: readonly unknown[] };
  const options = { MATCH: pattern, COUNT: count };
  if (!client.masters) return yield* client.scanIterator(options) as AsyncIterable<string[]>;
  for (const master of client.masters) {
    const node = (await client.nodeClient(master)) as RedisClient & Scanner;
    yield* node.scanIterator(options) as AsyncIterable<string[]>;
  }
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
