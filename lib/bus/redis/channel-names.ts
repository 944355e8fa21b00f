import { isCluster, keyPrefixOf, plainClient, type RedisClient } from "../../redis-client/redis-client.ts";

/** Begins a name whose braces are escaped. */
const ESCAPED = "escaped:";

/**
 * The names of channels in Redis. Redis pub/sub ignores the database number and node-redis's `keyPrefix`. The names
 * contain both, so that channels are separate wherever keys are.
 *
 * On a cluster the names of channels have no braces of their own. A name with braces could not be the hash tag of a key,
 * and keys that belong to a channel would lie in other slots than the channel.
 */
export class ChannelNames {
  readonly #askDatabase: () => Promise<number>;
  readonly #before: string;
  readonly #isCluster: boolean;
  #start: Promise<string> | undefined;

  constructor(client: RedisClient, prefix: string) {
    const plain = plainClient(client);
    this.#isCluster = isCluster(client);
    this.#askDatabase = this.#isCluster ? async () => 0 : () => databaseOf(plain);
    this.#before = `${keyPrefixOf(client)}${prefix}bus:`;
  }

  /**
   * The name of a channel. It is always a promise, also once the database is known, so that messages are sent in the
   * order of their calls.
   */
  async of(channel: string): Promise<string> {
    this.#start ??= this.#askDatabase().then(
      (database) => (database === 0 ? this.#before : `${this.#before}@${database}:`),
      (error: unknown) => {
        this.#start = undefined;
        throw error;
      },
    );
    return `${await this.#start}${this.#isCluster ? withoutBraces(channel) : channel}`;
  }
}

/** Returns a name without braces. Other names stay as they are, because nodes of older versions use those. */
function withoutBraces(channel: string): string {
  if (!/[{}]/.test(channel) && !channel.startsWith(ESCAPED)) return channel;
  return `${ESCAPED}${channel.replace(/[%{}]/g, encodeURIComponent)}`;
}

/**
 * The number of the client's database. Only the server knows it for sure: a sentinel hides its options, and `select`
 * does not change them.
 */
async function databaseOf(client: RedisClient): Promise<number> {
  try {
    const { db } = ((await client.clientInfo?.()) ?? {}) as { db?: unknown };
    if (Number.isInteger(db)) return Number(db);
  } catch (error) {
    // An ACL answers NOPERM. A server or proxy without the command answers ERR. After any other error the next call asks again.
    if (!(error instanceof Error && /^(NOPERM|ERR) /.test(error.message))) throw error;
  }
  return (client as { options?: { database?: number } }).options?.database ?? 0;
}
