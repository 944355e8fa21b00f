import type { Bounds } from "../../calls/bounds.ts";
import { chunks } from "../../calls/in-batches.ts";
import type { History, HistoryPage, Position } from "../../history/history.ts";
import type { Numbered } from "../../history/numbered.ts";
import { Rounds } from "../delivery/rounds.ts";
import type { HistoryCounts } from "./history-counts.ts";
import type { HistoryRule, KeptHistory } from "./history-rule.ts";
import { Sequence, type SequenceHost } from "./sequence.ts";

/** A channel of this node, and the sequence of its kept messages. */
export interface KeptChannel {
  readonly name: string;
  readonly sequence: Sequence<this> | undefined;
}

/** Delivers to the receivers of a channel. */
export interface KeptDelivery<C> {
  /** Whether nothing may be delivered now. */
  readonly isHolding: boolean;
  /** Delivers a message. `isLate` says that receivers may have come since it was sent. */
  deliver(channel: C, message: Numbered, isLate: boolean): void;
  tellLost(channel: C, position: Position): void;
  /** Tells the receivers of a channel its position. The channel has begun. */
  begun(channel: C): void;
  /** Notes the receivers of a channel. The returned function says that no message from before is missing. */
  settle(channel: C): () => void;
}

/** What the channels of a node share. */
export interface KeptChannelsParts {
  readonly history: History;
  readonly rule: HistoryRule;
  readonly bounds: Bounds;
  readonly counts: HistoryCounts;
  /** Resolves to whether this node hears the bus. */
  hears(): Promise<boolean>;
  report(error: unknown): void;
}

/** Messages and bytes that are read from history at a time. */
const READ_AT_A_TIME = 100;
const READ_BYTES = 1_048_576;

/** Channels whose positions are asked for by one call. */
const ASKED_AT_A_TIME = 1_000;

/** Ticks within which the position of each channel is compared. */
const COMPARED_WITHIN_TICKS = 10;

/**
 * The channels of this node whose messages are kept: it appends to their history, and heals what the bus has lost.
 *
 * The bus may lose messages without a sign, for example when a slot of a cluster moves. So positions are compared: at once
 * after a gap of the bus, a tick after a channel was opened, and every ten ticks.
 */
export class KeptChannels<C extends KeptChannel> {
  readonly #history: History;
  readonly #rule: HistoryRule;
  readonly #bounds: Bounds;
  readonly #sendBounds: Bounds;
  readonly #upkeepBounds: Bounds;
  readonly #counts: HistoryCounts;
  readonly #report: (error: unknown) => void;
  readonly #delivery: KeptDelivery<C>;
  readonly #host: SequenceHost<C>;
  readonly #channels = new Set<C>();
  /** Channels that a comparison found behind the history. If they still are at the next tick, the bus has lost messages. */
  readonly #behind = new Map<C, Position>();
  /** Sequences that could not go on. */
  readonly #stuck = new Set<C>();
  /** Channels that are compared at the next tick. */
  #due = new Set<C>();
  #turn: Iterator<C> | undefined;
  #isComparing = false;
  #isFailing = false;

  constructor(parts: KeptChannelsParts, delivery: KeptDelivery<C>) {
    const { history, rule, bounds, counts } = parts;
    this.#report = parts.report;
    this.#history = history;
    this.#rule = rule;
    this.#bounds = bounds.for("realtime");
    this.#sendBounds = bounds.for("sends");
    this.#upkeepBounds = bounds.for("maintenance");
    this.#counts = counts;
    this.#delivery = delivery;
    // Sequences that have read at the same time ask once, after all of these reads.
    let hears = false;
    const hearing = new Rounds<object>(async () => {
      hears = await parts.hears().catch(() => false);
    });
    this.#host = {
      get isHolding() {
        return delivery.isHolding;
      },
      read: (channel, after) => this.#read(channel, after),
      hears: () => hearing.join("", {}).then(() => hears),
      renew: ({ name }, epoch) => this.#upkeepBounds.call(() => history.renew(name, epoch)),
      begun: (channel) => delivery.begun(channel),
      deliver: (channel, message, isLate) => delivery.deliver(channel, message, isLate),
      tellLost: (channel, position) => {
        counts.lost++;
        delivery.tellLost(channel, position);
      },
      later: (channel, error) => this.#later(channel, error),
      countFilled: (messages) => {
        counts.filled += messages;
      },
    };
  }

  /** The history of a channel, if its messages are kept. */
  of(name: string): KeptHistory | undefined {
    return this.#rule(name);
  }

  /** Keeps a message and sends it. */
  async append(name: string, message: string, limits: KeptHistory): Promise<void> {
    await this.#sendBounds.call(() => this.appendUnbounded(name, message, limits));
  }

  /** Keeps a message and sends it, as a part of a bounded call. */
  async appendUnbounded(name: string, message: string, limits: KeptHistory): Promise<void> {
    await this.#history.append(name, message, limits);
    this.#counts.appended++;
  }

  /** The sequence of a channel that this node opens, if its messages are kept. */
  open(channel: C): Sequence<C> | undefined {
    if (!this.#rule(channel.name)) return undefined;
    this.#channels.add(channel);
    return new Sequence(this.#host, channel);
  }

  /** Forgets a channel that this node holds no longer. */
  closed(channel: C): void {
    this.#channels.delete(channel);
    this.#behind.delete(channel);
    this.#stuck.delete(channel);
    this.#due.delete(channel);
  }

  /** Reads the positions of channels that have none yet. It runs beside their subscription, so it costs no time. */
  async begin(channels: readonly C[]): Promise<void> {
    const unknown = channels.filter(({ sequence }) => sequence && !sequence.position);
    for (const some of chunks(unknown, ASKED_AT_A_TIME)) {
      const settle = some.map((channel) => this.#delivery.settle(channel));
      const positions = await this.#bounds.call(() => this.#history.positions(some.map(({ name }) => name)));
      for (const [at, channel] of some.entries()) {
        if (channel.sequence?.position) continue;
        settle[at]?.();
        channel.sequence?.begin(positions[at] as Position);
        // A message that was sent before the subscription took effect has not arrived.
        this.#due.add(channel);
      }
    }
  }

  /** Compares all positions: the bus may have lost messages. */
  invalidate(): void {
    for (const channel of this.#channels) this.#due.add(channel);
  }

  /** Compares the positions that are due, and reads what is missing. */
  async tick(): Promise<void> {
    if (this.#isComparing || this.#delivery.isHolding) return;
    this.#isComparing = true;
    for (const channel of this.#stuck) void channel.sequence?.goOn();
    this.#stuck.clear();
    for (const [channel, { epoch, offset }] of this.#behind) {
      const { sequence } = channel;
      const at = sequence?.position;
      if (at && (at.epoch !== epoch || at.offset < offset)) void sequence.goOn();
    }
    this.#behind.clear();
    try {
      for (const some of chunks(this.#dueNow(), ASKED_AT_A_TIME)) await this.#compare(some);
      this.#isFailing = false;
    } catch (error) {
      this.#fail(error);
    }
    this.#isComparing = false;
  }

  #dueNow(): C[] {
    const due = this.#due;
    this.#due = new Set();
    const count = Math.ceil(this.#channels.size / COMPARED_WITHIN_TICKS);
    for (let n = 0; n < count; n++) {
      this.#turn ??= this.#channels.values();
      const { done, value } = this.#turn.next();
      if (done) this.#turn = undefined;
      else due.add(value);
    }
    return [...due].filter(({ sequence }) => sequence?.position);
  }

  async #compare(channels: readonly C[]): Promise<void> {
    const before = channels.map(({ sequence }) => sequence?.position as Position);
    const settle = channels.map((channel) => this.#delivery.settle(channel));
    const found = await this.#upkeepBounds
      .call(() => this.#history.positions(channels.map(({ name }) => name)))
      .catch((error) => {
        for (const channel of channels) if (this.#channels.has(channel)) this.#due.add(channel);
        throw error;
      });
    this.#counts.compared += channels.length;
    for (const [at, channel] of channels.entries()) {
      const position = found[at] as Position;
      const { epoch, offset } = before[at] as Position;
      if (!this.#channels.has(channel)) continue;
      // Messages may be on their way. A history that is behind this node, or in another life, has lost messages.
      if (position.epoch === epoch && position.offset === offset) settle[at]?.();
      else if (position.epoch === epoch && position.offset > offset) this.#behind.set(channel, position);
      else void channel.sequence?.goOn();
    }
  }

  #read({ name }: C, after: number): Promise<HistoryPage> {
    const { maxAgeSeconds } = this.#rule(name) ?? { maxAgeSeconds: 1 };
    return this.#upkeepBounds.call(() =>
      this.#history.read(name, {
        after,
        upTo: Number.POSITIVE_INFINITY,
        limit: READ_AT_A_TIME,
        maxBytes: READ_BYTES,
        from: "oldest",
        maxAgeSeconds,
      }),
    );
  }

  #later(channel: C, error?: unknown): void {
    if (this.#channels.has(channel)) this.#stuck.add(channel);
    if (error !== undefined) this.#fail(error);
  }

  /** Reports a failure once, not with each tick for as long as the backend is down. */
  #fail(error: unknown): void {
    if (!this.#isFailing) this.#report(error);
    this.#isFailing = true;
  }
}
