import type { Bus } from "../../bus/bus.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { chunks, inBatches } from "../../calls/in-batches.ts";
import { addressed, deliver, leaving, leftGroup, type Receiver } from "./delivery.ts";
import { Moves } from "./moves.ts";

/** The part of a group's or a user's connections that this node holds. */
export interface Channel<R extends Receiver> {
  readonly receivers: Set<R>;
  /** Counts what others have said of the user's groups: see groups.ts. */
  changes: number;
  /** The same for each group that somebody is reading for it now. */
  readonly told: Map<string, { changes: number; running: number }>;
}

interface OpenChannel<R extends Receiver> extends Channel<R> {
  /** Who has come and gone since messages are held. */
  moves: Moves<R> | undefined;
  readonly name: string;
  up: Promise<void>;
  /** Whether it could not be subscribed, and is to be tried again. */
  isDown: boolean;
  readonly listener: (text: string) => void;
  /** Ticks for which nobody was in it. */
  emptyTicks: number;
}

/** Channels that a message is sent to by one call. */
const PUBLISHED_AT_A_TIME = 1000;

/** Characters of messages that are held while this node is behind; what comes then is lost. */
const MAX_HELD_LENGTH = 16 * 1024 * 1024;

/**
 * Ticks for which a channel stays subscribed when nobody is in it any more, and how many such there may be: a page that
 * is loaded anew, or a client that comes and goes, has none subscribed and unsubscribed each time.
 */
const EMPTY_TICKS = 10;
const MAX_EMPTY = 10_000;

/** Names of channels on the bus. */
export const groupChannel = (group: string): string => `group:${group}`;
export const userChannel = (userId: string): string => `user:${userId}`;

/**
 * Hands what nodes tell groups and users to the connections of this node.
 *
 * A channel is subscribed while a connection is in it, and for some ticks longer, since many who leave come back soon.
 * Messages come by the bus also to the node that sent them: so all receivers have one sender's in one order.
 */
export class Channels<R extends Receiver> {
  readonly #bus: Bus;
  readonly #bounds: Bounds;
  readonly #sendBounds: Bounds;
  readonly #upkeepBounds: Bounds;
  readonly #open = new Map<string, OpenChannel<R>>();
  readonly #closing = new Map<string, Promise<void>>();
  /** Channels that nobody is in any more, and whose unsubscription has failed: the next tick tries it again. */
  readonly #left = new Set<OpenChannel<R>>();
  readonly #isBehind: () => boolean;
  readonly #held: { readonly channel: OpenChannel<R>; readonly text: string }[] = [];
  /** Channels that somebody has come into, or gone out of, meanwhile. */
  readonly #moved = new Set<OpenChannel<R>>();
  #heldLength = 0;
  /** Is told the connections of a user who has left a group. */
  onLeft: (receivers: ReadonlySet<R>, group: string) => void = () => {};

  /** While this node is behind, nothing is delivered: it may not know yet who has left what. */
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

  /** How many channels of users, or of groups, have a connection here. */
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

  /** Sends a message to all in a channel, on all nodes, but one. */
  async publish(name: string, text: string, exceptId = ""): Promise<void> {
    await this.#sendBounds.call(() => this.#bus.publish(name, addressed(text, exceptId)));
  }

  /** Tells all nodes that a user has left a group: whoever sends to the group next comes after it. */
  async tellLeft(userId: string, group: string): Promise<void> {
    await this.#bounds.call(() => this.#bus.publish(userChannel(userId), leaving(group)));
  }

  /** Sends a message to all in several channels. Some at a time are one call, so that any number takes no place of others. */
  async publishAll(names: readonly string[], text: string): Promise<void> {
    const message = addressed(text);
    await inBatches(
      [...chunks(names, PUBLISHED_AT_A_TIME)],
      (some) =>
        this.#sendBounds.call(() => inBatches(some, async (name) => this.#bus.publish(name, message))),
      1,
    );
  }

  /** Delivers what came while this node was behind, to those who are in its channels now. */
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

  /** Unsubscribes what nobody has been in for long, and tries again what has failed. */
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

  /** What is held comes first, so that the order is kept. */
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
    // As if the line had been down for longer: nobody may count on a message that came while it was.
    if (this.#heldLength + text.length > MAX_HELD_LENGTH) return;
    this.#heldLength += text.length;
    this.#held.push({ channel, text });
  }

  /** As one call, however many groups a user is in. */
  #subscribe(channels: readonly OpenChannel<R>[]): void {
    if (channels.length === 0) return;
    // One after the other: else a subscription could be ended by the end of the one before it.
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

  /** As one call as well: of thousands each, some would find no place and stay subscribed. */
  #unsubscribe(channels: readonly OpenChannel<R>[]): void {
    if (channels.length === 0) return;
    for (const channel of channels)
      if (this.#open.get(channel.name) === channel) this.#open.delete(channel.name);
    const failed = new Set(channels);
    const unsubscribe = async (channel: OpenChannel<R>) => {
      await this.#bus.unsubscribe(channel.name, channel.listener);
      failed.delete(channel);
    };
    // Whatever has become of them: one that was not answered in time may have been subscribed all the same.
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
