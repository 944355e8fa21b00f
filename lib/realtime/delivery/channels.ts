import type { Bus } from "../../bus/bus.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { chunks, inBatches } from "../../calls/in-batches.ts";
import { addressed, deliver, leaving, leftGroup, type Receiver } from "./delivery.ts";
import { Moves } from "./moves.ts";

/** The part of a group's or a user's connections that this node holds. */
export interface Channel<R extends Receiver> {
  readonly receivers: Set<R>;
  /** Counts the changes of the user's groups that nodes have told of: see groups.ts. */
  changes: number;
  /** The same for each group whose membership is being read now. */
  readonly told: Map<string, { changes: number; running: number }>;
}

interface OpenChannel<R extends Receiver> extends Channel<R> {
  /** The receivers that entered or left since messages are held. */
  moves: Moves<R> | undefined;
  readonly name: string;
  up: Promise<void>;
  /** Whether the subscription failed. The next tick tries it again. */
  isDown: boolean;
  readonly listener: (text: string) => void;
  /** Ticks since the last receiver left. */
  emptyTicks: number;
}

/** Channels that a message is sent to by one call. */
const PUBLISHED_AT_A_TIME = 1000;

/** Characters of messages that are held while this node is behind; what comes then is lost. */
const MAX_HELD_LENGTH = 16 * 1024 * 1024;

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
  readonly #upkeepBounds: Bounds;
  readonly #open = new Map<string, OpenChannel<R>>();
  readonly #closing = new Map<string, Promise<void>>();
  /** Empty channels whose unsubscription has failed. The next tick tries it again. */
  readonly #left = new Set<OpenChannel<R>>();
  readonly #isBehind: () => boolean;
  readonly #held: { readonly channel: OpenChannel<R>; readonly text: string }[] = [];
  /** Channels that a receiver has entered or left while messages are held. */
  readonly #moved = new Set<OpenChannel<R>>();
  #heldLength = 0;
  /** Called with the connections of a user who has left a group. */
  onLeft: (receivers: ReadonlySet<R>, group: string) => void = () => {};

  /** While `isBehind` is true, nothing is delivered: this node may not know yet which users have left a group. */
  constructor(bus: Bus, bounds: Bounds, isBehind: () => boolean) {
    this.#bus = bus;
    this.#bounds = bounds.for("realtime");
    this.#sendBounds = bounds.for("sends");
    this.#upkeepBounds = bounds.for("maintenance");
    this.#isBehind = isBehind;
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

  /** Puts a connection into channels, and resolves once messages arrive. */
  async enter(names: readonly string[], receiver: R): Promise<void> {
    const channels = names.map((name) => this.#open.get(name) ?? this.#make(name));
    for (const channel of channels) {
      if (!channel.receivers.has(receiver)) this.#noteMove(channel, receiver, true);
      channel.receivers.add(receiver);
      channel.emptyTicks = 0;
    }
    this.#subscribe(channels.filter(({ isDown }) => isDown));
    await Promise.all(channels.map(({ up }) => up));
  }

  /** Takes a connection out of a channel. */
  exit(name: string, receiver: R): void {
    const channel = this.#open.get(name);
    if (channel?.receivers.delete(receiver)) this.#noteMove(channel, receiver, false);
  }

  /** Sends a message to all connections in a channel, on all nodes, except one. */
  async publish(name: string, text: string, exceptId = ""): Promise<void> {
    await this.#sendBounds.call(() => this.#bus.publish(name, addressed(text, exceptId)));
  }

  /** Tells all nodes that a user has left a group. On one Redis server, later messages of the group come after it. */
  async tellLeft(userId: string, group: string): Promise<void> {
    await this.#bounds.call(() => this.#bus.publish(userChannel(userId), leaving(group)));
  }

  /** Sends a message to several channels. Many channels share one bounded call, so they leave places for other calls. */
  async publishAll(names: readonly string[], text: string): Promise<void> {
    const message = addressed(text);
    await inBatches(
      [...chunks(names, PUBLISHED_AT_A_TIME)],
      (some) =>
        this.#sendBounds.call(() => inBatches(some, async (name) => this.#bus.publish(name, message))),
      1,
    );
  }

  /** Delivers the held messages to the receivers that were in their channels all the while. */
  deliverHeld(): void {
    if (this.#isBehind()) return;
    for (const [number, { channel, text }] of this.#held.entries()) {
      const { moves } = channel;
      deliver(channel.receivers, text, moves && ((receiver) => moves.wasIn(receiver, number)));
    }
    for (const channel of this.#moved) channel.moves = undefined;
    this.#moved.clear();
    this.#held.length = 0;
    this.#heldLength = 0;
  }

  /** Unsubscribes channels that have been empty for long, and repeats what has failed. */
  tick(): void {
    this.deliverHeld();
    const down: OpenChannel<R>[] = [];
    const left = [...this.#left];
    this.#left.clear();
    let empty = 0;
    for (const channel of this.#open.values()) {
      if (channel.receivers.size === 0) {
        if (channel.emptyTicks++ >= EMPTY_TICKS || (++empty > MAX_EMPTY && channel.emptyTicks > 1))
          left.push(channel);
      } else if (channel.isDown) down.push(channel);
    }
    this.#unsubscribe(left);
    this.#subscribe(down);
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
      up: Promise.resolve(),
      isDown: true,
      listener: (text) => this.#hear(channel, text),
      emptyTicks: 0,
    };
    this.#open.set(name, channel);
    return channel;
  }

  #hear(channel: OpenChannel<R>, text: string): void {
    const group = leftGroup(text);
    if (group !== undefined) this.onLeft(channel.receivers, group);
    else if (this.#isHolding) this.#hold(channel, text);
    else deliver(channel.receivers, text);
  }

  /** Held messages are delivered first, so that the order is kept. */
  get #isHolding(): boolean {
    return this.#held.length > 0 || this.#isBehind();
  }

  #noteMove(channel: OpenChannel<R>, receiver: R, isIn: boolean): void {
    if (!this.#isHolding) return;
    channel.moves ??= new Moves();
    channel.moves.note(receiver, isIn, this.#held.length);
    this.#moved.add(channel);
  }

  #hold(channel: OpenChannel<R>, text: string): void {
    // The message is lost, as if the line had been down for longer.
    if (this.#heldLength + text.length > MAX_HELD_LENGTH) return;
    this.#heldLength += text.length;
    this.#held.push({ channel, text });
  }

  /** Subscribes many channels in one bounded call, however many groups a user is in. */
  #subscribe(channels: readonly OpenChannel<R>[]): void {
    if (channels.length === 0) return;
    // A running unsubscription of the same channel ends first. Otherwise it could end the new subscription.
    const after = Promise.all(channels.map(({ name }) => this.#closing.get(name)));
    const failed = new Set(channels);
    const subscribe = async (channel: OpenChannel<R>) => {
      await this.#bus.subscribe(channel.name, channel.listener);
      failed.delete(channel);
    };
    const up = after.then(() => this.#bounds.call(() => inBatches(channels, subscribe)));
    for (const channel of channels) {
      channel.isDown = false;
      channel.up = up.catch((error) => {
        if (failed.has(channel)) throw error;
      });
      channel.up.catch(() => {
        channel.isDown = true;
      });
    }
  }

  /** Unsubscribes many channels in one bounded call. Of thousands of calls some would be refused, and stay subscribed. */
  #unsubscribe(channels: readonly OpenChannel<R>[]): void {
    if (channels.length === 0) return;
    for (const channel of channels)
      if (this.#open.get(channel.name) === channel) this.#open.delete(channel.name);
    const failed = new Set(channels);
    const unsubscribe = async (channel: OpenChannel<R>) => {
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
}
