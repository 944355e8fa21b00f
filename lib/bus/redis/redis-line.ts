import { endClient } from "../../redis-client/end-client.ts";
import { isCluster, type RedisClient, type RedisSubscriber } from "../../redis-client/redis-client.ts";

/** Events of node-redis's clients, clusters and sentinels when a line is up, for the first time or again. */
const UP_EVENTS = ["ready", "node-ready", "topology-change"];

/** Events before that, and before the client subscribes again. The subscriber of a sentinel emits only errors. */
const COMING_UP_EVENTS = ["connect", "node-connect"];
const COMING_UP_EVENTS_OF_A_SENTINEL = [...COMING_UP_EVENTS, "error"];

/** The error of a subscription during which the line dropped. node-redis 6 repeats it, and node-redis 5 does not. */
const DROPPED = "Socket closed unexpectedly";

/** Callbacks about the state of a line. */
export interface LineEvents {
  /** The line is coming up again. Its next message may follow a gap. */
  comingUp(): void;
  /** The line is up again. */
  up(): void;
  /** Subscribing again has failed. */
  deaf(): void;
}

/** A connection beside the app's client, used for pub/sub alone. */
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

  /** Connects, and reports the state of the line from then on. */
  async connect(events: LineEvents): Promise<void> {
    const subscriber = this.#subscriber;
    // node-redis reconnects and subscribes again by itself. Without a listener its errors would end the process.
    subscriber.on("error", () => {});
    // A cluster moves its subscriptions by this method, and ignores a failure of it.
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
    await this.#subscribe(channel, listener).catch((error) => {
      if (!(error instanceof Error && error.message === DROPPED)) throw error;
      return this.#subscribe(channel, listener);
    });
  }

  /** Resolves once this listener receives nothing more from the channel. */
  async unsubscribe(channel: string, listener: (message: string) => void): Promise<void> {
    const known = listener as (message: unknown) => void;
    const subscriber = this.#subscriber;
    await (this.#isSharded
      ? subscriber.sUnsubscribe(channel, known)
      : subscriber.unsubscribe(channel, known));
  }

  /**
   * The topology of a cluster. It is another value each time the client has read the topology anew: some channels may have
   * moved, and their messages in between are lost.
   */
  get topology(): unknown {
    return (this.#subscriber as { slots?: unknown }).slots;
  }

  /** Ends the line, also while it still connects. */
  destroy(): void {
    this.#giveUp(new Error("The line was ended while it connected."));
    endClient(this.#subscriber, this.#isConnected);
  }
}
