import {
  askedClient,
  isCluster,
  type RedisClient,
  RedisScript,
  type RedisSubscriber,
} from "../redis-client.ts";
import type { Bus, MessageListener } from "./bus.ts";
import { ChannelNames } from "./channel-names.ts";
import { LEASE_SCRIPT } from "./lease-script.ts";

const leaseScript = new RedisScript(LEASE_SCRIPT);

/** What node-redis's clients, clusters and sentinels emit when a line of theirs is up, for the first time or again. */
const UP_EVENTS = ["ready", "node-ready", "topology-change"];

/** What they emit before that, and before they subscribe again. A sentinel's subscriber tells of its errors only. */
const COMING_UP_EVENTS = ["connect", "node-connect"];
const COMING_UP_EVENTS_OF_A_SENTINEL = [...COMING_UP_EVENTS, "error"];

/** What they emit when the app has closed them for good. */
const CLOSED_EVENTS = ["end", "disconnect"];

/** The buses that have a connection beside a client of the app, and what closes them with it. */
const busesOf = new WeakMap<RedisClient, { readonly buses: Set<RedisBus>; readonly closeAll: () => void }>();

/** An app that closes its client means to end: a line that it does not know of must not keep it alive. */
function closeWith(client: RedisClient, bus: RedisBus): void {
  const known = busesOf.get(client);
  if (known) return void known.buses.add(bus);
  const buses = new Set([bus]);
  const closeAll = () => {
    for (const each of [...buses]) void each.close();
  };
  busesOf.set(client, { buses, closeAll });
  for (const event of CLOSED_EVENTS) client.on(event, closeAll);
}

/** Takes the listeners back with the last bus. */
function letGo(client: RedisClient, bus: RedisBus): void {
  const known = busesOf.get(client);
  if (!known?.buses.delete(bus) || known.buses.size > 0) return;
  busesOf.delete(client);
  for (const event of CLOSED_EVENTS) client.off?.(event, known.closeAll);
}

/**
 * The bus over Redis pub/sub, sharded on a cluster.
 *
 * A subscribed connection may do little else, so the bus has one of its own, which is made when it is first
 * needed: a process that only publishes has none.
 */
export class RedisBus implements Bus {
  readonly #given: RedisClient;
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #names: ChannelNames;
  readonly #isSharded: boolean;
  readonly #reconnectListeners = new Set<() => void>();
  readonly #isSentinel: boolean;
  #line: { readonly subscriber: RedisSubscriber; readonly up: Promise<RedisSubscriber> } | undefined;
  #isProbing = false;
  /** Whether a line is coming up of which nobody was told yet. */
  #isComingUp = false;
  /** What is subscribed for each listener. */
  readonly #hearing = new WeakMap<MessageListener, MessageListener>();

  constructor(client: RedisClient, prefix: string) {
    this.#given = client;
    this.#client = askedClient(client);
    this.#prefix = prefix;
    this.#names = new ChannelNames(client, prefix);
    this.#isSharded = isCluster(client);
    this.#isSentinel = "getMasterNode" in client;
  }

  async publish(channel: string, message: string): Promise<void> {
    const name = await this.#names.of(channel);
    await (this.#isSharded ? this.#client.sPublish(name, message) : this.#client.publish(name, message));
  }

  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const hear = this.#hear(listener);
    const [name, subscriber] = await Promise.all([this.#names.of(channel), this.#connected()]);
    await (this.#isSharded ? subscriber.sSubscribe(name, hear) : subscriber.subscribe(name, hear));
  }

  async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    const known = this.#hear(listener) as (message: unknown) => void;
    // Without a line nothing is subscribed.
    if (!this.#line) return;
    const [name, subscriber] = await Promise.all([this.#names.of(channel), this.#line.up]);
    await (this.#isSharded ? subscriber.sUnsubscribe(name, known) : subscriber.unsubscribe(name, known));
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
    const line = this.#line;
    this.#line = undefined;
    letGo(this.#given, this);
    try {
      // Also while it still connects, which it may do for ever.
      line?.subscriber.destroy();
    } catch {
      // It had ended by itself.
    }
  }

  get #leasesKey(): string {
    return `${this.#prefix}nodes`;
  }

  #lease(nodeId: string, leaseMs: number): Promise<unknown> {
    return leaseScript.run(this.#client, { keys: [this.#leasesKey], arguments: [nodeId, String(leaseMs)] });
  }

  /** node-redis hands on what has come with the answer to its subscriptions, and only then says that the line is up. */
  #hear(listener: MessageListener): MessageListener {
    let hear = this.#hearing.get(listener);
    if (!hear) {
      hear = (message) => {
        if (this.#isComingUp) this.#tell();
        listener(message);
      };
      this.#hearing.set(listener, hear);
    }
    return hear;
  }

  #connected(): Promise<RedisSubscriber> {
    if (this.#line) return this.#line.up;
    const subscriber = this.#given.duplicate();
    const line = { subscriber, up: this.#connect(subscriber) };
    this.#line = line;
    line.up.catch(() => {
      // The next who subscribes tries again.
      if (this.#line === line) this.#line = undefined;
    });
    return line.up;
  }

  async #connect(subscriber: RedisSubscriber): Promise<RedisSubscriber> {
    // node-redis reconnects and subscribes again by itself; without a listener its errors would end the process.
    subscriber.on("error", () => this.#probe());
    closeWith(this.#given, this);
    await subscriber.connect();
    for (const event of this.#isSentinel ? COMING_UP_EVENTS_OF_A_SENTINEL : COMING_UP_EVENTS)
      subscriber.on(event, () => {
        this.#isComingUp = true;
      });
    for (const event of UP_EVENTS) subscriber.on(event, () => this.#tell());
    return subscriber;
  }

  #tell(): void {
    this.#isComingUp = false;
    for (const listener of this.#reconnectListeners) listener();
  }

  /** A sentinel tells of its subscriber's errors only. A subscription of the moment is answered once the line is up. */
  #probe(): void {
    const line = this.#line;
    if (!this.#isSentinel || !line || this.#isProbing) return;
    this.#isProbing = true;
    Promise.all([this.#names.of("up"), line.up])
      .then(async ([name, subscriber]) => {
        await subscriber.subscribe(name, () => {});
        this.#tell();
        await subscriber.unsubscribe(name);
      })
      .catch(() => {})
      .finally(() => {
        this.#isProbing = false;
      });
  }
}
