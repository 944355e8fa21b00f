import type { Bus } from "../../bus/bus.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { chunks, inBatches } from "../../calls/in-batches.ts";
import type { Position } from "../../history/history.ts";
import { readNumbered } from "../../history/numbered.ts";
import type { KeptChannels, KeptDelivery } from "../recovery/kept-channels.ts";
import { ChannelSubscriptions } from "./channel-subscriptions.ts";
import { addressed, deliver, leaving, leftGroup, type Receiver } from "./delivery.ts";
import { HeldMessages } from "./held-messages.ts";
import { deliverKept, deliverLost, enterKept, settleKept, tellPosition } from "./kept-delivery.ts";
import type { Channel, OpenChannel } from "./open-channel.ts";

/** Makes the keeper of the channels' histories. */
export type KeepHistories<R extends Receiver> = (
  delivery: KeptDelivery<OpenChannel<R>>,
) => KeptChannels<OpenChannel<R>>;

/** How one message is sent. */
export interface Sending {
  /** The connection that does not get the message. */
  readonly exceptId?: string | undefined;
  /** Whether the message is kept if its channel has a history. */
  readonly isKept?: boolean | undefined;
}

/** Channels that a message is sent to by one call. */
const PUBLISHED_AT_A_TIME = 1000;

/**
 * Ticks for which an empty channel stays subscribed, and the most of such channels. So a page that is loaded again, or a
 * client that comes and goes, does not cause a subscription each time.
 */
const EMPTY_TICKS = 10;
const MAX_EMPTY = 10_000;

/** Names of channels on the bus. */
export const groupChannel = (group: string): string => `group:${group}`;
export const userChannel = (userId: string): string => `user:${userId}`;

/**
 * Delivers messages to groups and users to the connections of this node.
 *
 * A channel is subscribed while a connection is in it, and for some ticks longer, since many clients come back soon. The bus
 * also delivers a message to the node that sent it. So all receivers get the messages of one sender in one order.
 */
export class Channels<R extends Receiver> {
  readonly #bus: Bus;
  readonly #bounds: Bounds;
  readonly #sendBounds: Bounds;
  readonly #open = new Map<string, OpenChannel<R>>();
  readonly #subscriptions: ChannelSubscriptions<OpenChannel<R>>;
  readonly #isBehind: () => boolean;
  readonly #held = new HeldMessages<OpenChannel<R>, R>();
  readonly #kept: KeptChannels<OpenChannel<R>> | undefined;
  /** Called with the connections of a user who has left a group. */
  onLeft: (receivers: ReadonlySet<R>, group: string) => void = () => {};

  /**
   * While `isBehind` is true, nothing is delivered: this node may not know yet which users have left a group. `keep`
   * makes the keeper of histories, if messages are kept.
   */
  constructor(bus: Bus, bounds: Bounds, isBehind: () => boolean, keep?: KeepHistories<R>) {
    this.#bus = bus;
    this.#bounds = bounds.for("realtime");
    this.#sendBounds = bounds.for("sends");
    this.#isBehind = isBehind;
    const isHolding = () => this.#isHolding;
    this.#kept = keep?.({
      get isHolding() {
        return isHolding();
      },
      deliver: deliverKept,
      tellLost: deliverLost,
      begun: tellPosition,
      settle: settleKept,
    });
    this.#subscriptions = new ChannelSubscriptions(bus, bounds, async (channels) =>
      this.#kept?.begin(channels),
    );
  }

  /** A channel, if this node has a connection in it. */
  find(name: string): Channel<R> | undefined {
    return this.#open.get(name);
  }

  /** The number of users, or of groups, that have a connection here. */
  count(kind: "user" | "group"): number {
    let count = 0;
    for (const [name, { receivers }] of this.#open)
      if (receivers.size > 0 && name.startsWith(`${kind}:`)) count++;
    return count;
  }

  /**
   * Puts a connection into channels, and resolves once messages arrive. The connection gets no kept messages up to
   * `floor`, the position at which its user has joined.
   */
  async enter(names: readonly string[], receiver: R, floor?: Position): Promise<void> {
    const channels = names.map((name) => this.#open.get(name) ?? this.#make(name));
    for (const channel of channels) {
      if (!channel.receivers.has(receiver)) this.#noteMove(channel, receiver, true);
      if (channel.sequence) enterKept(channel, receiver, floor);
      else channel.receivers.add(receiver);
      channel.emptyTicks = 0;
    }
    this.#subscriptions.subscribe(channels.filter(({ isDown }) => isDown));
    await Promise.all(channels.map(({ up }) => up));
  }

  /** Takes a connection out of a channel. */
  exit(name: string, receiver: R): void {
    const channel = this.#open.get(name);
    if (!channel?.receivers.delete(receiver)) return;
    channel.floors?.delete(receiver);
    channel.fresh?.delete(receiver);
    this.#noteMove(channel, receiver, false);
  }

  /** Sends a message to all connections in a channel, on all nodes, except one. */
  async publish(name: string, text: string, { exceptId, isKept = true }: Sending = {}): Promise<void> {
    const message = addressed(text, exceptId);
    const history = isKept ? this.#kept?.of(name) : undefined;
    if (this.#kept && history) await this.#kept.append(name, message, history);
    else await this.#sendBounds.call(() => this.#bus.publish(name, message));
  }

  /** Tells all nodes that a user has left a group. On one Redis server, later messages of the group come after it. */
  async tellLeft(userId: string, group: string): Promise<void> {
    await this.#bounds.call(() => this.#bus.publish(userChannel(userId), leaving(group)));
  }

  /** Sends a message to several channels. Many channels share one bounded call, so they leave places for other calls. */
  async publishAll(names: readonly string[], text: string, isKept = true): Promise<void> {
    const message = addressed(text);
    const send = async (name: string) => {
      const history = isKept ? this.#kept?.of(name) : undefined;
      if (this.#kept && history) await this.#kept.appendUnbounded(name, message, history);
      else await this.#bus.publish(name, message);
    };
    const batches = [...chunks(names, PUBLISHED_AT_A_TIME)];
    await inBatches(batches, (some) => this.#sendBounds.call(() => inBatches(some, send)), 1);
  }

  /** Delivers the held messages to the receivers that were in their channels all the while. */
  deliverHeld(): void {
    if (!this.#isBehind()) this.#held.release((...held) => this.#pass(...held));
  }

  /** Finds out what the bus may have lost of kept messages. */
  invalidate(): void {
    this.#kept?.invalidate();
  }

  /** Unsubscribes channels that have been empty for long, and repeats what has failed. */
  tick(): void {
    this.deliverHeld();
    const down: OpenChannel<R>[] = [];
    const left = this.#subscriptions.takeFailed();
    let empty = 0;
    for (const channel of this.#open.values()) {
      if (channel.receivers.size === 0) {
        if (channel.emptyTicks++ >= EMPTY_TICKS || (++empty > MAX_EMPTY && channel.emptyTicks > 1))
          left.push(channel);
      } else if (channel.isDown) down.push(channel);
    }
    this.#unsubscribe(left);
    this.#subscriptions.subscribe(down);
    void this.#kept?.tick();
  }

  close(): void {
    this.#unsubscribe([...this.#open.values()]);
  }

  #make(name: string): OpenChannel<R> {
    const channel: OpenChannel<R> = {
      name,
      receivers: new Set<R>(),
      changes: 0,
      told: new Map(),
      moves: undefined,
      floors: undefined,
      fresh: undefined,
      sequence: undefined,
      up: Promise.resolve(),
      isDown: true,
      listener: (text) => this.#hear(channel, text),
      emptyTicks: 0,
    };
    channel.sequence = this.#kept?.open(channel);
    this.#open.set(name, channel);
    return channel;
  }

  #hear(channel: OpenChannel<R>, text: string): void {
    const group = leftGroup(text);
    if (group !== undefined) this.onLeft(channel.receivers, group);
    else if (this.#isHolding) this.#held.add(channel, text);
    else this.#pass(channel, text);
  }

  /** Delivers a message. If the channel has a history, its sequence decides when a kept message is delivered. */
  #pass(channel: OpenChannel<R>, text: string, isFor?: (receiver: R) => boolean): void {
    const kept = readNumbered(text);
    if (!kept) deliver(channel, text, isFor);
    else if (channel.sequence) channel.sequence.take(kept, isFor !== undefined);
    else deliver(channel, kept.message, isFor);
  }

  /** Held messages are delivered first, so that the order is kept. */
  get #isHolding(): boolean {
    return !this.#held.isEmpty || this.#isBehind();
  }

  #noteMove(channel: OpenChannel<R>, receiver: R, isIn: boolean): void {
    if (this.#isHolding) this.#held.noteMove(channel, receiver, isIn);
  }

  #unsubscribe(channels: readonly OpenChannel<R>[]): void {
    for (const channel of channels) {
      if (this.#open.get(channel.name) === channel) this.#open.delete(channel.name);
      this.#kept?.closed(channel);
    }
    this.#subscriptions.unsubscribe(channels);
  }
}
