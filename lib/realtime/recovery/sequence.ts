import type { HistoryPage, Position } from "../../history/history.ts";
import type { Numbered } from "../../history/numbered.ts";

/** Messages of one channel, and their characters, that may wait behind a gap. The rest is read from history. */
const MAX_WAITING = 1_000;
const MAX_WAITING_LENGTH = 1_048_576;

/** What all sequences of a node share. `C` is a channel. */
export interface SequenceHost<C> {
  /** Whether nothing may be delivered now. `goOn` is called afterwards. */
  readonly isHolding: boolean;
  /** Reads the oldest messages behind an offset. */
  read(channel: C, after: number): Promise<HistoryPage>;
  /** Resolves to whether this node hears the bus, and knows of each time before when it did not. */
  hears(): Promise<boolean>;
  renew(channel: C, epoch: string): Promise<Position>;
  /** Tells the receivers the position at which the sequence has begun. */
  begun(channel: C): void;
  /** Delivers a message. `isLate` says that it comes later than the bus has sent it. */
  deliver(channel: C, message: Numbered, isLate: boolean): void;
  /** Tells the receivers that messages up to a position are lost. */
  tellLost(channel: C, position: Position): void;
  /** Has `goOn` called later, because this sequence cannot go on now. */
  later(channel: C, error?: unknown): void;
  /** Counts messages that were read from history because they had not arrived. */
  countFilled(messages: number): void;
}

/**
 * Delivers the kept messages of one channel in order, each once. It reads from history what this node has missed, and tells
 * the receivers what history has no longer. Newer messages wait meanwhile.
 *
 * After a loss it goes on at the newest position: a channel is either recovered or lost, never partly.
 */
export class Sequence<C> {
  readonly #host: SequenceHost<C>;
  readonly #channel: C;
  #position: Position | undefined;
  #waiting: Numbered[] = [];
  #waitingLength = 0;
  /** Whether a message found no place among the waiting ones since the last read began. */
  #isCut = false;
  #isFilling = false;
  /** Whether the last read has failed. The next one is made later, not with the next message. */
  #isFailing = false;

  constructor(host: SequenceHost<C>, channel: C) {
    this.#host = host;
    this.#channel = channel;
  }

  /** The position of the last message that was delivered. `undefined` until the sequence has begun. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Begins at a position. Messages that came before are delivered if they have later offsets. */
  begin(position: Position): void {
    if (this.#position) return;
    this.#position = position;
    // Receivers are told where they begin before they get anything.
    this.#host.begun(this.#channel);
    this.#giveWaiting(0);
    if (this.#waiting.length > 0 || this.#isCut) void this.goOn();
  }

  /** Takes a message of the bus. `isLate` says that it was held before. */
  take(message: Numbered, isLate = false): void {
    const at = this.#position;
    if (at?.epoch === message.epoch) {
      if (message.offset <= at.offset) return;
      if (message.offset === at.offset + 1 && !this.#isFilling) {
        this.#give(message, isLate);
        return;
      }
    }
    if (
      this.#waiting.length >= MAX_WAITING ||
      this.#waitingLength + message.message.length > MAX_WAITING_LENGTH
    ) {
      this.#isCut = true;
    } else {
      this.#waiting.push(message);
      this.#waitingLength += message.message.length;
    }
    if (!this.#isFailing) void this.goOn();
  }

  /** Reads what is missing. A failure is repeated later. */
  async goOn(): Promise<void> {
    if (this.#isFilling || !this.#position) return;
    this.#isFilling = true;
    try {
      while (await this.#fill(this.#position));
      this.#isFailing = false;
    } catch (error) {
      this.#isFailing = true;
      this.#host.later(this.#channel, error);
    }
    this.#isFilling = false;
  }

  /** Reads one page. Returns whether there may be more to read. */
  async #fill(from: Position): Promise<boolean> {
    const channel = this.#channel;
    const host = this.#host;
    const came = this.#waiting.length;
    this.#isCut = false;
    const page = await host.read(channel, from.offset);
    // A node that does not hear the others could read what was sent after a user has left.
    // While it is holding, it does not know yet what users have left or ended.
    if (!(await host.hears()) || host.isHolding) {
      host.later(channel);
      return false;
    }
    const { position, messages } = page;
    const isOfThisLife = position.epoch === from.epoch;
    // Messages of the bus were in the history before they were sent. A history that does not reach as far has lost writes.
    const newest = this.#waiting
      .slice(0, came)
      .reduce(
        (most, { epoch, offset }) => (epoch === from.epoch ? Math.max(most, offset) : most),
        from.offset,
      );
    if (!isOfThisLife) this.#lose(position);
    else if (position.offset < newest) this.#lose(await host.renew(channel, from.epoch));
    else if (position.offset > from.offset && messages[0]?.offset !== from.offset + 1) this.#lose(position);
    else {
      for (const { offset, message } of messages) this.#give({ epoch: from.epoch, offset, message }, true);
      host.countFilled(messages.length);
    }
    this.#giveWaiting(came);
    return this.#waiting.length > 0 || this.#isCut || (this.#position as Position).offset < position.offset;
  }

  /** Delivers the waiting messages that come next. The first `came` of them are older than the position. */
  #giveWaiting(came: number): void {
    const { epoch } = this.#position as Position;
    // A message of another life that came before the position was read is of a life that has ended.
    const later = this.#waiting.filter((message, at) => message.epoch === epoch || at >= came);
    this.#waiting = [];
    this.#waitingLength = 0;
    for (const message of later) {
      const at = this.#position as Position;
      if (message.epoch === at.epoch && message.offset <= at.offset) continue;
      if (message.epoch === at.epoch && message.offset === at.offset + 1) this.#give(message, true);
      else {
        this.#waiting.push(message);
        this.#waitingLength += message.message.length;
      }
    }
  }

  #give(message: Numbered, isLate: boolean): void {
    this.#position = { epoch: message.epoch, offset: message.offset };
    this.#host.deliver(this.#channel, message, isLate);
  }

  #lose(position: Position): void {
    this.#position = position;
    this.#host.tellLost(this.#channel, position);
  }
}
