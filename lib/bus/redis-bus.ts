import { type RedisClient, RedisScript, type RedisSubscriber } from "../redis-client.ts";
import type { Bus, MessageListener } from "./bus.ts";
import { LEASE_SCRIPT } from "./lease-script.ts";

const leaseScript = new RedisScript(LEASE_SCRIPT);

/** What node-redis's clients, clusters and sentinels emit when a line of theirs is up, for the first time or again. */
const UP_EVENTS = ["ready", "node-ready", "topology-change"];

/** What they emit when the app has closed them for good. */
const CLOSED_EVENTS = ["end", "disconnect"];

/** The buses that have a connection beside a client of the app. */
const busesOf = new WeakMap<RedisClient, Set<RedisBus>>();

/** An app that closes its client means to end: a line that it does not know of must not keep it alive. */
function closeWith(client: RedisClient, bus: RedisBus): void {
  const known = busesOf.get(client);
  const buses = known ?? new Set();
  buses.add(bus);
  if (known) return;
  busesOf.set(client, buses);
  const closeAll = () => {
    for (const each of buses) void each.close();
  };
  for (const event of CLOSED_EVENTS) client.on(event, closeAll);
}

/**
 * The bus over Redis pub/sub, sharded on a cluster.
 *
 * A subscribed connection may do little else, so the bus has one of its own, which is made when it is first
 * needed: a process that only publishes has none.
 */
export class RedisBus implements Bus {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #isSharded: boolean;
  readonly #reconnectListeners = new Set<() => void>();
  #subscriber: Promise<RedisSubscriber> | undefined;

  constructor(client: RedisClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    this.#isSharded = "masters" in client;
  }

  async publish(channel: string, message: string): Promise<void> {
    const key = this.#channel(channel);
    await (this.#isSharded ? this.#client.sPublish(key, message) : this.#client.publish(key, message));
  }

  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const key = this.#channel(channel);
    const subscriber = await this.#connected();
    await (this.#isSharded ? subscriber.sSubscribe(key, listener) : subscriber.subscribe(key, listener));
  }

  onReconnect(listener: () => void): void {
    this.#reconnectListeners.add(listener);
  }

  async renewLease(nodeId: string, leaseMs: number): Promise<void> {
    await this.#lease(nodeId, leaseMs);
  }

  async dropLease(nodeId: string): Promise<void> {
    await this.#client.zRem(this.#leasesKey, [nodeId]);
  }

  async liveNodes(): Promise<string[]> {
    return (await this.#lease("", 0)) as string[];
  }

  async close(): Promise<void> {
    const subscriber = await this.#subscriber?.catch(() => undefined);
    this.#subscriber = undefined;
    busesOf.get(this.#client)?.delete(this);
    subscriber?.destroy();
  }

  get #leasesKey(): string {
    return `${this.#prefix}nodes`;
  }

  #channel(channel: string): string {
    return `${this.#prefix}bus:${channel}`;
  }

  #lease(nodeId: string, leaseMs: number): Promise<unknown> {
    return leaseScript.run(this.#client, { keys: [this.#leasesKey], arguments: [nodeId, String(leaseMs)] });
  }

  #connected(): Promise<RedisSubscriber> {
    this.#subscriber ??= this.#connect().catch((error) => {
      // The next who subscribes tries again.
      this.#subscriber = undefined;
      throw error;
    });
    return this.#subscriber;
  }

  async #connect(): Promise<RedisSubscriber> {
    const subscriber = this.#client.duplicate();
    // node-redis reconnects and subscribes again by itself; without a listener its errors would end the process.
    subscriber.on("error", () => {});
    await subscriber.connect();
    closeWith(this.#client, this);
    for (const event of UP_EVENTS) {
      subscriber.on(event, () => {
        for (const listener of this.#reconnectListeners) listener();
      });
    }
    return subscriber;
  }
}
