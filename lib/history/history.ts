/**
 * Where the history of a channel stands. `epoch` names the life of the history, and `offset` is the number of the last
 * message in it: 1, 2, 3, …
 */
export interface Position {
  /** The name of the history's life. */
  readonly epoch: string;
  /** The number of the last message, or `0` before the first one. */
  readonly offset: number;
}

/** How much of a channel is kept. */
export interface HistoryLimits {
  /** The most messages. */
  readonly maxMessages: number;
  /** Seconds after which a message is dropped. */
  readonly maxAgeSeconds: number;
}

/** A message that is kept, with its number in the channel. */
export interface KeptMessage {
  /** The message's number in its channel. */
  readonly offset: number;
  /** The message as it was appended. */
  readonly message: string;
}

/** The messages to read. */
export interface HistoryRange {
  /** The last offset before the range. */
  readonly after: number;
  /** The last offset of the range. `Infinity` means the newest message. */
  readonly upTo: number;
  /** The most messages to read. */
  readonly limit: number;
  /** The most bytes of messages to read. A single message may be larger. */
  readonly maxBytes: number;
  /** Which end of the range counts if it has more messages than the limits allow. */
  readonly from: "oldest" | "newest";
  /** Seconds after which a message does not count any more, as at `append`. */
  readonly maxAgeSeconds: number;
  /** Leaves out messages from before this user has entered the channel. Absent: nothing is left out. */
  readonly reader?: string;
}

/** The messages of a range that are kept, in order of their offsets and without a gap, and where the history stands. */
export interface HistoryPage {
  /** The position of the channel at the moment of the read. */
  readonly position: Position;
  /** The messages, in order of their offsets. */
  readonly messages: readonly KeptMessage[];
  /** The last offset before the reader has entered the channel. `0` without a reader, or if that was long ago. */
  readonly enteredAfter: number;
}

/**
 * The last messages of channels.
 *
 * The rules, which the conformance suite attacks:
 * - Each message of a channel has the next offset, without a gap. Messages reach the listeners of the bus in this order, as
 *   the text of {@link numbered}.
 * - A channel keeps at most `maxMessages` messages, and none that is older than `maxAgeSeconds`. The backend's clock counts.
 * - The position outlives the messages: 30 days without a message and without a look at the position do not change it.
 *   If the history was lost, the channel begins a new life, with an epoch that it never had and offset 0.
 * - A page was true at one moment, whatever is appended at the same time.
 * - Channels are any strings of 1 to 1,024 UTF-16 code units that are well-formed Unicode. No channel affects another.
 */
export interface History {
  /**
   * Numbers a message, keeps it, drops what exceeds the limits, and publishes the message on the channel of the bus, all
   * in one step. Resolves to the position of the message.
   */
  append(channel: string, message: string, limits: HistoryLimits): Promise<Position>;
  /** The positions of channels, in the order of the channels. A channel that has none begins its life. */
  positions(channels: readonly string[]): Promise<Position[]>;
  /** Reads messages of a channel. */
  read(channel: string, range: HistoryRange): Promise<HistoryPage>;
  /**
   * Notes that a user enters a channel now, so that the user may read later messages alone. It lasts for `maxAgeSeconds`:
   * after that, no earlier message is left. Resolves to the position at that moment.
   */
  enter(channel: string, userId: string, maxAgeSeconds: number): Promise<Position>;
  /**
   * Begins a new life of a channel, if it is still in the life `epoch`. A backend that has lost its last writes would
   * otherwise give the same offsets to other messages. The messages stay. Resolves to the position afterwards.
   */
  renew(channel: string, epoch: string): Promise<Position>;
  /** Drops the messages of a channel. The position stays. */
  forget(channel: string): Promise<void>;
}
