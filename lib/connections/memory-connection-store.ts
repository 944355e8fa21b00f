import { ClockHand } from "../memory/clock-hand.ts";
import { MemoryQuotas } from "../memory/memory-quotas.ts";
import type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
  StoredValue,
} from "./connection-store.ts";

interface Entry {
  readonly values: Map<string, string>;
  expiresAt: number;
}

/** Names that each new name checks for expiry. More than one, so that the map shrinks while it is used. */
const SWEPT_PER_NAME = 4;
/** Names that a write checks for expiry when it finds no room. */
const SWEPT_WHEN_FULL = 1000;

/** Keeps the data of connections in this process as JSON text, so that nobody holds a reference into the store. */
export class MemoryConnectionStore implements ConnectionStore {
  readonly #entries = new Map<string, Entry>();
  readonly #hand = new ClockHand(this.#entries);
  readonly #options: ConnectionStoreOptions;
  readonly #now: () => number;
  readonly #quotas: MemoryQuotas;

  constructor(
    options: ConnectionStoreOptions,
    { now = Date.now }: { now?: () => number } = {},
    quotas: MemoryQuotas = new MemoryQuotas(),
  ) {
    this.#options = options;
    this.#now = now;
    this.#quotas = quotas;
  }

  async get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined> {
    const json = this.#live(this.#options.nameOf(connection))?.values.get(key);
    return json === undefined ? undefined : (JSON.parse(json) as StoredValue);
  }

  async set(connection: ConnectionIdentity, key: string, value: StoredValue): Promise<void> {
    const name = this.#options.nameOf(connection);
    if (name === undefined) return;
    const known = this.#live(name);
    if (!known) this.#hand.advance(SWEPT_PER_NAME, (other) => this.#live(other));
    const entry = known ?? { values: new Map(), expiresAt: 0 };
    const json = JSON.stringify(value);
    const more = bytesOf(key, json) - bytesOf(key, entry.values.get(key));
    this.#quotas.connectionDataBytes.check(more, this.#sweep);
    this.#quotas.connectionDataBytes.count(more);
    entry.values.set(key, json);
    this.#renew(entry);
    this.#entries.set(name, entry);
  }

  async delete(connection: ConnectionIdentity, key: string): Promise<void> {
    const name = this.#options.nameOf(connection);
    const entry = this.#live(name);
    this.#quotas.connectionDataBytes.count(-bytesOf(key, entry?.values.get(key)));
    entry?.values.delete(key);
    if (name !== undefined && entry?.values.size === 0) this.#entries.delete(name);
  }

  async refresh(connection: ConnectionIdentity): Promise<void> {
    const entry = this.#live(this.#options.nameOf(connection));
    if (entry) this.#renew(entry);
  }

  async clear(connection: ConnectionIdentity): Promise<void> {
    const name = this.#options.nameOf(connection);
    if (name !== undefined) this.#drop(name);
  }

  #drop(name: string): void {
    for (const [key, json] of this.#entries.get(name)?.values ?? [])
      this.#quotas.connectionDataBytes.count(-bytesOf(key, json));
    this.#entries.delete(name);
  }

  readonly #sweep = (): void => this.#hand.advance(SWEPT_WHEN_FULL, (name) => this.#live(name));

  #renew(entry: Entry): void {
    entry.expiresAt = this.#now() + this.#options.ttlSeconds * 1000;
  }

  #live(name: string | undefined): Entry | undefined {
    const entry = name === undefined ? undefined : this.#entries.get(name);
    if (!entry || entry.expiresAt > this.#now()) return entry;
    this.#drop(name as string);
    return undefined;
  }
}

function bytesOf(key: string, json: string | undefined): number {
  return json === undefined ? 0 : Buffer.byteLength(key) + Buffer.byteLength(json);
}
