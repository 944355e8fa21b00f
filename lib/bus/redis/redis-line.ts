import { endClient } from "../../redis-client/end-client.ts";
import { isCluster, type RedisClient, type RedisSubscriber } from "../../redis-client/redis-client.ts";

/** What node-redis's clients, clusters and sentinels emit when a line of theirs is up, for the first time or again. */
const UP_EVENTS = ["ready", "node-ready", "topology-change"];

/** What they emit before that, and before they subscribe again. A sentinel's subscriber tells of its errors only. */
const COMING_UP_EVENTS = ["connect", "node-connect"];
const COMING_UP_EVENTS_OF_A_SENTINEL = [...COMING_UP_EVENTS, "error"];

/** What is told of a line. */
export interface LineEvents {
  /** It comes up again: what it hears next may come after a gap. */
  comingUp(): void;
  /** It is up again. */
  up(): void;
  /** Subscriptions could not be made again. */
  deaf(): void;
}

/** A connection beside the app's client, for pub/sub alone, by which any channel is heard. */
export class RedisLine {
  readonly #subscriber: RedisSubscriber;
  readonly #isSharded: boolean;
  readonly #isSentinel: boolean;
  readonly #subscribe: RedisSubscriber["subscribe"];
  #isConnected = false;
  #giveUp: (reason: Error) => void = () => {};

  constructor(client: RedisClient) {
    this.#subscriber = client.duplicate();
    this.#isSharded = isCluster(client);
    this.#isSentinel = "getMasterNode" in client;
    const method = this.#isSharded ? "sSubscribe" : "subscribe";
    this.#subscribe = this.#subscriber[method].bind(this.#subscriber);
  }

  /** Connects, and tells of what becomes of the line from then on. */
  async connect(events: LineEvents): Promise<void> {
    const subscriber = this.#subscriber;
    // node-redis reconnects and subscribes again by itself; without a listener its errors would end the process.
    subscriber.on("error", () => {});
    // A cluster moves its subscriptions by this method, and nobody there hears of it when that fails.
    if (this.#isSharded) {
      subscriber.on("sharded-channel-moved-error", () => events.deaf());
      const subscribe = this.#subscribe;
      subscriber.sSubscribe = (...args) => subscribe(...args).catch(() => events.deaf());
    }
    const connecting = subscriber.connect();
    const givenUp = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    await Promise.race([connecting, givenUp]);
    this.#isConnected = true;
    for (const event of this.#isSentinel ? COMING_UP_EVENTS_OF_A_SENTINEL : COMING_UP_EVENTS)
      subscriber.on(event, () => events.comingUp());
    for (const event of UP_EVENTS) subscriber.on(event, () => events.up());
  }

  /** Resolves once messages arrive. */
  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    await this.#subscribe(channel, listener);
  }

  /** Resolves once this listener hears no more of the channel. */
  async unsubscribe(channel: string, listener: (message: string) => void): Promise<void> {
    const known = listener as (message: unknown) => void;
    const subscriber = this.#subscriber;
    await (this.#isSharded
      ? subscriber.sUnsubscribe(channel, known)
      : subscriber.unsubscribe(channel, known));
  }

  /**
   * Another value each time a cluster was looked at anew: some channels may have moved, and what was said meanwhile is lost.
   */
  get topology(): unknown {
    return (this.#subscriber as { slots?: unknown }).slots;
  }

  /** Ends it, also while it still connects. */
  destroy(): void {
    this.#giveUp(new Error("The line was ended while it connected."));
    endClient(this.#subscriber, this.#isConnected);
  }
}
