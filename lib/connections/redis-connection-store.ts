import { type RedisClient, RedisScript, readyClient } from "../redis-client/redis-client.ts";
import type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
  StoredValue,
} from "./connection-store.ts";

/**
 * Sets a value, and renews the expiry of its HASH.
 *
 * KEYS[1]  the data of one name, a HASH of key to JSON
 * ARGV[1]  the key
 * ARGV[2]  the value
 * ARGV[3]  seconds to live
 */
const SET_SCRIPT = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
`;

const setScript = new RedisScript(SET_SCRIPT);

/** Keeps the data of connections in Redis, at `<prefix><name>:data`: a HASH of key to JSON with one expiry. */
export class RedisConnectionStore implements ConnectionStore {
  readonly #client: () => RedisClient;
  readonly #prefix: string;
  readonly #options: ConnectionStoreOptions;

  constructor(client: RedisClient, prefix: string, options: ConnectionStoreOptions) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
    this.#options = options;
  }

  async get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined> {
    const name = this.#nameOf(connection);
    const json = name === undefined ? null : await this.#client().hGet(name, key);
    return json == null ? undefined : (JSON.parse(String(json)) as StoredValue);
  }

  async set(connection: ConnectionIdentity, key: string, value: StoredValue): Promise<void> {
    const name = this.#nameOf(connection);
    if (name === undefined) return;
    const { ttlSeconds } = this.#options;
    await setScript.run(this.#client(), {
      keys: [name],
      arguments: [key, JSON.stringify(value), String(ttlSeconds)],
    });
  }

  async delete(connection: ConnectionIdentity, key: string): Promise<void> {
    const name = this.#nameOf(connection);
    if (name !== undefined) await this.#client().hDel(name, [key]);
  }

  async refresh(connection: ConnectionIdentity): Promise<void> {
    const name = this.#nameOf(connection);
    if (name !== undefined) await this.#client().expire(name, this.#options.ttlSeconds);
  }

  async clear(connection: ConnectionIdentity): Promise<void> {
    const name = this.#nameOf(connection);
    if (name !== undefined) await this.#client().del(name);
  }

  #nameOf(connection: ConnectionIdentity): string | undefined {
    const name = this.#options.nameOf(connection);
    return name === undefined ? undefined : `${this.#prefix}${name}:data`;
  }
}
