import type { Bus } from "../bus/bus.ts";
import { ClockHand } from "../memory/clock-hand.ts";
import { MemoryQuotas } from "../memory/memory-quotas.ts";
import { UseOrder } from "../memory/use-order.ts";
import type { History, HistoryLimits, HistoryPage, HistoryRange, KeptMessage, Position } from "./history.ts";
import { KeptMessages } from "./kept-messages.ts";
import { newEpoch } from "./new-epoch.ts";
import { numbered } from "./numbered.ts";

interface Entry {
  readonly after: number;
  readonly until: number;
}

interface Channel {
  readonly name: string;
  readonly messages: KeptMessages;
  /** The users who have entered, in the order in which they did. */
  readonly entered: Map<string, Entry>;
  epoch: string;
  offset: number;
  usedAt: number;
  /** The age at which messages were dropped at the last append. */
  maxAgeMs: number;
}

/** Milliseconds that a position outlives the last use of its channel. */
const POSITION_LIVES_MS = 30 * 86_400_000;

/** Channels whose old messages each append drops. More than one, so that all of them are found while the process works. */
const SWEPT_PER_APPEND = 2;

/** Bytes that a message, a channel or an entry counts beside its text. They are what the process needs at least. */
const OVERHEAD_BYTES = 100;

/**
 * The history of one process. A step is never interrupted, so the order of offsets is the order of delivery.
 *
 * A full history refuses nothing. It drops the oldest messages of the channel that needs room, then messages of the
 * channel that was quiet for longest, and at last whole channels.
 */
export class MemoryHistory implements History {
  readonly #bus: Bus;
  readonly #now: () => number;
  readonly #quotas: MemoryQuotas;
  readonly #channels = new Map<string, Channel>();
  readonly #hand = new ClockHand(this.#channels);
  /** All channels, in the order of their last use. */
  readonly #used = new UseOrder<Channel>();
  /** The channels that have messages, in the order of their last message. */
  readonly #filled = new UseOrder<Channel>();

  constructor(
    bus: Bus,
    { now = Date.now }: { now?: () => number } = {},
    quotas: MemoryQuotas = new MemoryQuotas(),
  ) {
    this.#bus = bus;
    this.#now = now;
    this.#quotas = quotas;
  }

  async append(name: string, message: string, limits: HistoryLimits): Promise<Position> {
    const channel = this.#use(name);
    channel.maxAgeMs = limits.maxAgeSeconds * 1000;
    channel.offset++;
    this.#keep(channel, message, limits.maxMessages);
    this.#hand.advance(SWEPT_PER_APPEND, (_, other) => this.#dropOld(other));
    const position = positionOf(channel);
    await this.#bus.publish(name, numbered(position, message));
    return position;
  }

  async positions(names: readonly string[]): Promise<Position[]> {
    return names.map((name) => positionOf(this.#use(name)));
  }

  async read(name: string, range: HistoryRange): Promise<HistoryPage> {
    const channel = this.#use(name);
    const enteredAfter = this.#enteredAfter(channel, range.reader);
    const { messages, offset } = channel;
    const before = offset - messages.size;
    const oldestAt = this.#now() - range.maxAgeSeconds * 1000;
    let first = Math.max(range.after, enteredAfter, before) + 1;
    const last = Math.min(range.upTo, offset);
    while (first <= last && messages.at(first - before - 1).at < oldestAt) first++;
    const page: KeptMessage[] = [];
    const isFromOldest = range.from === "oldest";
    let bytes = 0;
    for (let n = 0; n < Math.min(range.limit, last - first + 1); n++) {
      const at = isFromOldest ? first + n : last - n;
      const kept = messages.at(at - before - 1);
      bytes += kept.bytes;
      if (n > 0 && bytes > range.maxBytes) break;
      page.push({ offset: at, message: kept.message });
    }
    return {
      position: positionOf(channel),
      messages: isFromOldest ? page : page.reverse(),
      enteredAfter,
    };
  }

  async enter(name: string, userId: string, maxAgeSeconds: number): Promise<Position> {
    const channel = this.#use(name);
    this.#leave(channel, userId);
    this.#dropOldEntries(channel);
    this.#makeRoom(channel, entryBytes(userId));
    this.#count(entryBytes(userId));
    channel.entered.set(userId, { after: channel.offset, until: this.#now() + maxAgeSeconds * 1000 });
    return positionOf(channel);
  }

  async renew(name: string, epoch: string): Promise<Position> {
    const channel = this.#use(name);
    if (channel.epoch === epoch) channel.epoch = newEpoch();
    return positionOf(channel);
  }

  async forget(name: string): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel) this.#dropMessages(channel);
  }

  /** The channel of a name. A channel that is not known, or that was not used for too long, begins its life. */
  #use(name: string): Channel {
    const now = this.#now();
    for (let each = this.#used.oldest(); each && this.#isOver(each, now); each = this.#used.oldest())
      this.#drop(each);
    const channel = this.#channels.get(name) ?? this.#begin(name);
    channel.usedAt = now;
    this.#used.use(channel);
    return channel;
  }

  #isOver({ usedAt, maxAgeMs }: Channel, now: number): boolean {
    return usedAt + Math.max(POSITION_LIVES_MS, maxAgeMs) < now;
  }

  #begin(name: string): Channel {
    const [messages, entered] = [new KeptMessages(), new Map()];
    const channel = { name, messages, entered, epoch: newEpoch(), offset: 0, usedAt: 0, maxAgeMs: 0 };
    this.#makeRoom(channel, channelBytes(name));
    this.#count(channelBytes(name));
    this.#channels.set(name, channel);
    return channel;
  }

  #keep(channel: Channel, message: string, maxMessages: number): void {
    const { messages } = channel;
    this.#dropOld(channel);
    while (messages.size > 0 && messages.size >= maxMessages) this.#dropOldest(channel);
    const bytes = Buffer.byteLength(message);
    const counted = bytes + OVERHEAD_BYTES;
    // A message that never fits is not worth those of others. Without it, the older ones would end in a gap.
    if (!this.#quotas.historyBytes.canHold(counted)) {
      this.#dropMessages(channel);
      return;
    }
    this.#makeRoom(channel, counted);
    this.#count(counted);
    messages.add({ message, bytes, at: this.#now() });
    this.#filled.use(channel);
  }

  #makeRoom(needy: Channel, more: number): void {
    const isFull = () => !this.#quotas.historyBytes.hasRoom(more);
    while (isFull() && needy.messages.size > 0) this.#dropOldest(needy);
    for (let each = this.#filled.oldest(); each && isFull(); each = this.#filled.oldest())
      this.#dropOldest(each);
    for (let each = this.#used.oldest(); each && each !== needy && isFull(); each = this.#used.oldest())
      this.#drop(each);
  }

  #drop(channel: Channel): void {
    this.#dropMessages(channel);
    for (const userId of channel.entered.keys()) this.#leave(channel, userId);
    this.#count(-channelBytes(channel.name));
    this.#used.drop(channel);
    this.#channels.delete(channel.name);
  }

  #dropMessages(channel: Channel): void {
    while (channel.messages.size > 0) this.#dropOldest(channel);
  }

  #dropOldest(channel: Channel): void {
    const { messages } = channel;
    this.#count(-((messages.oldest?.bytes ?? 0) + OVERHEAD_BYTES));
    messages.dropOldest();
    if (messages.size === 0) this.#filled.drop(channel);
  }

  #dropOld(channel: Channel): void {
    const oldestAt = this.#now() - channel.maxAgeMs;
    while ((channel.messages.oldest?.at ?? oldestAt) < oldestAt) this.#dropOldest(channel);
    this.#dropOldEntries(channel);
  }

  #dropOldEntries(channel: Channel): void {
    const now = this.#now();
    for (const [userId, { until }] of channel.entered) {
      if (until >= now) return;
      this.#leave(channel, userId);
    }
  }

  #enteredAfter({ entered }: Channel, reader: string | undefined): number {
    const entry = reader === undefined ? undefined : entered.get(reader);
    return entry && entry.until >= this.#now() ? entry.after : 0;
  }

  #leave({ entered }: Channel, userId: string): void {
    if (entered.delete(userId)) this.#count(-entryBytes(userId));
  }

  #count(bytes: number): void {
    this.#quotas.historyBytes.count(bytes);
  }
}

function positionOf({ epoch, offset }: Position): Position {
  return { epoch, offset };
}

function channelBytes(name: string): number {
  return Buffer.byteLength(name) + OVERHEAD_BYTES;
}

function entryBytes(userId: string): number {
  return Buffer.byteLength(userId) + OVERHEAD_BYTES;
}
