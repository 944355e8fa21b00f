import type { Bus } from "../../bus/bus.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { inBatches } from "../../calls/in-batches.ts";

/** A channel that is subscribed on the bus. */
export interface SubscribedChannel {
  readonly name: string;
  readonly listener: (text: string) => void;
  /** Resolves once messages arrive. */
  up: Promise<void>;
  /** Whether the subscription failed. The next tick tries it again. */
  isDown: boolean;
}

/** Subscribes channels and unsubscribes them, many in one bounded call. */
export class ChannelSubscriptions<C extends SubscribedChannel> {
  readonly #bus: Bus;
  readonly #bounds: Bounds;
  readonly #upkeepBounds: Bounds;
  readonly #begin: (channels: readonly C[]) => Promise<void>;
  readonly #closing = new Map<string, Promise<void>>();
  /** Channels whose unsubscription has failed. */
  readonly #left = new Set<C>();

  /** `begin` runs beside each subscription. It rejects if a channel could not begin, and then begins the others. */
  constructor(bus: Bus, bounds: Bounds, begin: (channels: readonly C[]) => Promise<void>) {
    this.#bus = bus;
    this.#bounds = bounds.for("realtime");
    this.#upkeepBounds = bounds.for("maintenance");
    this.#begin = begin;
  }

  /** Subscribes channels in one bounded call, however many groups a user is in. */
  subscribe(channels: readonly C[]): void {
    if (channels.length === 0) return;
    // A running unsubscription of the same channel ends first. Otherwise it could end the new subscription.
    const after = Promise.all(channels.map(({ name }) => this.#closing.get(name)));
    const failed = new Set(channels);
    const subscribe = async (channel: C) => {
      await this.#bus.subscribe(channel.name, channel.listener);
      failed.delete(channel);
    };
    const up = after.then(() => this.#bounds.call(() => inBatches(channels, subscribe)));
    const begun = after.then(() => this.#begin(channels));
    const ready = Promise.allSettled([up, begun]).then(([subscribed, began]) => {
      if (began.status === "rejected") throw began.reason;
      return subscribed;
    });
    for (const channel of channels) {
      channel.isDown = false;
      channel.up = ready.then((subscribed) => {
        if (subscribed.status === "rejected" && failed.has(channel)) throw subscribed.reason;
      });
      channel.up.catch(() => {
        channel.isDown = true;
      });
    }
  }

  /** Unsubscribes channels in one bounded call. Of thousands of calls some would be refused, and stay subscribed. */
  unsubscribe(channels: readonly C[]): void {
    if (channels.length === 0) return;
    const failed = new Set(channels);
    const unsubscribe = async (channel: C) => {
      await this.#bus.unsubscribe(channel.name, channel.listener);
      failed.delete(channel);
    };
    // A subscription without an answer in time may still have taken effect, so it is ended too.
    const closing = Promise.allSettled(channels.map(({ up }) => up))
      .then(() => this.#upkeepBounds.call(() => inBatches(channels, unsubscribe)))
      .catch(() => {
        for (const channel of failed) this.#left.add(channel);
      })
      .finally(() => {
        for (const { name } of channels) if (this.#closing.get(name) === closing) this.#closing.delete(name);
      });
    for (const { name } of channels) this.#closing.set(name, closing);
  }

  /** Returns the channels whose unsubscription has failed, to be unsubscribed again. */
  takeFailed(): C[] {
    const left = [...this.#left];
    this.#left.clear();
    return left;
  }
}
