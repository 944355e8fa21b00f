/** Where a channel stands: `offset` is the number of its last message, within the life `epoch` of its history. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** A channel whose position the client holds. Each line, and each life of the history, has an object of its own. */
export interface HeldChannel {
  readonly name: string;
  readonly epoch: string;
  /** The offset of the last message that listeners were given. */
  offset: number;
  /** The highest offset that the client has heard of. If it is above `offset`, messages are missing. */
  end: number;
  /** Messages that wait for those before them, by their offsets. Each is a function that gives it to the listeners. */
  readonly waiting: Map<number, () => void>;
  /** How often in a row the history could not be read. */
  failures: number;
  /** `0` while the history is being read. After a failure, the timer that runs until it is read again. */
  reading?: ReturnType<typeof setTimeout> | 0 | undefined;
}

export function heldChannel(name: string, { epoch, offset }: Position): HeldChannel {
  return { name, epoch, offset, end: offset, waiting: new Map(), failures: 0 };
}
