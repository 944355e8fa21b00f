import { isCluster, keyPrefixOf, plainClient, type RedisClient } from "../../redis-client/redis-client.ts";

/**
 * The names that channels have in Redis. Its pub/sub knows neither databases nor node-redis's `keyPrefix`: the names
 * carry both, so that channels are apart wherever keys are.
 */
export class ChannelNames {
  readonly #askDatabase: () => Promise<number>;
  readonly #before: string;
  #start: Promise<string> | undefined;

  constructor(client: RedisClient, prefix: string) {
    const plain = plainClient(client);
    this.#askDatabase = isCluster(client) ? async () => 0 : () => databaseOf(plain);
    this.#before = `${keyPrefixOf(client)}${prefix}bus:`;
  }

  /** Always by a promise, also once it is known: what is published in turn is sent in turn. */
  async of(channel: string): Promise<string> {
    this.#start ??= this.#askDatabase().then(
      (database) => (database === 0 ? this.#before : `${this.#before}@${database}:`),
      (error: unknown) => {
        this.#start = undefined;
        throw error;
      },
    );
    return `${await this.#start}${channel}`;
  }
}

/** Only the server knows it for sure: a sentinel does not show its options, and `select` changes none. */
async function databaseOf(client: RedisClient): Promise<number> {
  try {
    const { db } = ((await client.clientInfo?.()) ?? {}) as { db?: unknown };
    if (Number.isInteger(db)) return Number(db);
  } catch (error) {
    // NOPERM is an ACL's, ERR a server's or proxy's that lacks the command. After anything else it is asked again.
    if (!(error instanceof Error && /^(NOPERM|ERR) /.test(error.message))) throw error;
  }
  return (client as { options?: { database?: number } }).options?.database ?? 0;
}
