import { closeWith, letGo } from "../redis-client/close-with-client.ts";
import { askedClient, isCluster, type RedisClient, RedisScript } from "../redis-client/redis-client.ts";
import type { Bus, MessageListener } from "./bus.ts";
import { ChannelNames } from "./redis/channel-names.ts";
import { LEASE_SCRIPT } from "./redis/lease-script.ts";
import { RedisSubscriptions } from "./redis/redis-subscriptions.ts";

const leaseScript = new RedisScript(LEASE_SCRIPT);

/**
 * The bus over Redis pub/sub, sharded on a cluster.
 *
 * Redis lets a subscribed connection do little else, so the bus has a connection of its own. It is opened when it is first
 * needed, so a process that only publishes has none.
 */
export class RedisBus implements Bus {
  readonly #given: RedisClient;
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #names: ChannelNames;
  readonly #isSharded: boolean;
  readonly #reconnectListeners = new Set<() => void>();
  readonly #subscriptions: RedisSubscriptions;
  #isClosed = false;

  constructor(client: RedisClient, prefix: string) {
    this.#given = client;
    this.#client = askedClient(client);
    this.#prefix = prefix;
    this.#names = new ChannelNames(client, prefix);
    this.#isSharded = isCluster(client);
    this.#subscriptions = new RedisSubscriptions({
      client,
      publish: (name, message) => this.#publish(name, message),
      onGap: () => {
        for (const listener of this.#reconnectListeners) listener();
      },
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    const name = await this.#names.of(channel);
    const receivers = await this.#publish(name, message);
    if (Number(receivers) === 0) this.#subscriptions.doubt(name);
  }

  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const name = await this.#names.of(channel);
    // A node that is still joining when its backend closes would open a line that nobody closes.
    if (this.#isClosed) throw new Error("The backend is closed and receives no messages.");
    closeWith(this.#given, this.#subscriptions);
    await this.#subscriptions.subscribe(name, listener);
  }

  async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    await this.#subscriptions.unsubscribe(await this.#names.of(channel), listener);
  }

  onReconnect(listener: () => void): void {
    this.#reconnectListeners.add(listener);
  }

  async renewLease(nodeId: string, leaseMs: number): Promise<boolean> {
    return (await this.#lease(nodeId, leaseMs)) === 1;
  }

  async dropLease(nodeId: string): Promise<void> {
    await this.#client.zRem(this.#leasesKey, [nodeId]);
  }

  async liveNodes(): Promise<string[]> {
    return (await this.#lease("", 0)) as string[];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    letGo(this.#given, this.#subscriptions);
    this.#subscriptions.close();
  }

  get #leasesKey(): string {
    return `${this.#prefix}nodes`;
  }

  #publish(name: string, message: string): Promise<unknown> {
    return this.#isSharded ? this.#client.sPublish(name, message) : this.#client.publish(name, message);
  }

  #lease(nodeId: string, leaseMs: number): Promise<unknown> {
    return leaseScript.run(this.#client, { keys: [this.#leasesKey], arguments: [nodeId, String(leaseMs)] });
  }
}
