/** Where a channel stands: `offset` is the number of its last message, within the life `epoch` of its history. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** A message that waits until the messages before it are there. */
export interface Waiting {
  readonly channel: OrderedChannel;
  readonly offset: number;
  give(): void;
}

/** The most messages that wait in a client. Newer ones are dropped, and read from the history later. */
const MAX_WAITING = 1000;

/** Gives each message of one channel once and in the order of the offsets. */
export class OrderedChannel {
  readonly name: string;
  /** The life of the history. It is `undefined` once the client has forgotten the channel. */
  epoch: string | undefined;
  /** The offset of the last message that was given. */
  offset: number;
  /** The highest offset that the client has heard of. If it is above `offset`, messages are missing. */
  end: number;
  /** Whether the missing messages are being read, or are read again after a while. */
  isRead = false;
  /** How often in a row the reading has failed. */
  failures = 0;
  /** Runs until the missing messages are read again. */
  timer: ReturnType<typeof setTimeout> | undefined;
  readonly #waiting: Set<Waiting>;

  /** `waiting` is shared by all channels of a client. */
  constructor(name: string, { epoch, offset }: Position, waiting: Set<Waiting>) {
    this.name = name;
    this.epoch = epoch;
    this.offset = this.end = offset;
    this.#waiting = waiting;
  }

  /** The last offset of the first gap. */
  get gapEnd(): number {
    return Math.min(this.end, ...this.#own().map(({ offset }) => offset - 1));
  }

  /** Gives a message if it is the next one. If messages before it are missing, it waits. */
  receive(offset: number, give: () => void): void {
    this.end = Math.max(this.end, offset);
    if (offset === this.offset + 1 || this.#waiting.size < MAX_WAITING)
      this.#waiting.add({ channel: this, offset, give });
    this.settle();
  }

  /** Gives the waiting messages that are next. Those up to the offset `through` are given whatever is missing. */
  settle(through = 0): void {
    for (const message of this.#own()) {
      // If a listener ends the client or the line, no message waits any more.
      if (message.offset > Math.max(through, this.offset + 1) || !this.#waiting.delete(message)) return;
      if (message.offset <= this.offset) continue;
      this.offset = message.offset;
      message.give();
    }
  }

  /** Goes on from a later position, or from a position in another life of the history. */
  move({ epoch, offset }: Position): void {
    const isSameLife = epoch === this.epoch;
    // The numbers of the waiting messages mean nothing in another life.
    this.settle(isSameLife ? offset : Infinity);
    this.epoch = epoch;
    this.offset = isSameLife ? Math.max(offset, this.offset) : offset;
    this.end = isSameLife ? Math.max(offset, this.end) : offset;
  }

  /** Waits for nothing any more: the line is lost, or the channel is forgotten. The position stays. */
  rest(): void {
    clearTimeout(this.timer);
    this.end = this.offset;
    this.isRead = false;
    this.failures = 0;
  }

  #own(): Waiting[] {
    return [...this.#waiting]
      .filter(({ channel }) => channel === this)
      .sort((one, other) => one.offset - other.offset);
  }
}
