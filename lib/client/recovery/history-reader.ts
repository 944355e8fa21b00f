import type { OrderedChannel, Position } from "./ordered-channel.ts";

/** The most channels whose history is asked for at once. */
const AT_ONCE = 4;

/** How often a request for history is repeated. */
const MAX_REPEATS = 5;

/** Milliseconds before the first repeat. Each further wait is twice as long. */
const FIRST_REPEAT_MS = 1000;

/** An answer to a request for history. It covers all offsets up to `upTo`; those that are absent were not for this user. */
interface Page {
  readonly messages: readonly { event_type: string; data: object; offset: number }[];
  readonly upTo: number;
}

/** A request for history. */
interface Asked {
  readonly after: number;
  readonly upTo: number;
  /** Whether the line is still open, and the channel is still in the same life. */
  isCurrent(): boolean;
}

/** The owner of a reader. */
export interface HistoryReaderHost {
  ask(request: object): Promise<unknown>;
  give(type: string, data: object): void;
  /** Called when the missing messages up to a position are gone. */
  lose(channel: OrderedChannel, position: Position): void;
  /** Called when the connection is not in the channel. */
  leave(channel: OrderedChannel): void;
  /** Called after each answer. */
  answered(): void;
}

/** Reads the missing messages of channels from their history, for as long as a line is open. */
export class HistoryReader {
  readonly #host: HistoryReaderHost;
  readonly #queue = new Set<OrderedChannel>();
  #asked = 0;
  /** Stands for the open line. An answer that comes after its end is ignored. */
  #line: object | undefined;

  constructor(host: HistoryReaderHost) {
    this.#host = host;
  }

  get isOpen(): boolean {
    return !!this.#line;
  }

  open(): void {
    this.#line = {};
  }

  close(): void {
    this.#line = undefined;
    this.#queue.clear();
    this.#asked = 0;
  }

  /** Reads what is missing in a channel, if anything is. */
  fill(channel: OrderedChannel): void {
    if (this.#line && !channel.isRead && channel.end > channel.offset) {
      channel.isRead = true;
      this.#queue.add(channel);
    }
    for (const next of this.#queue) {
      if (this.#asked >= AT_ONCE) return;
      this.#queue.delete(next);
      this.#ask(next);
    }
  }

  #ask(channel: OrderedChannel): void {
    const { name, epoch, offset: after, gapEnd: upTo } = channel;
    // Messages that came late may have filled the gap, or the channel is forgotten.
    if (!epoch || upTo <= after) {
      channel.isRead = false;
      return;
    }
    const line = this.#line;
    const isCurrent = () => this.#line === line && channel.epoch === epoch;
    this.#asked++;
    this.#host
      .ask({ channel: name, epoch, after, upTo })
      .then((page) => isCurrent() && !this.#take(channel, page as Page, { after, upTo, isCurrent }))
      .catch(({ code = true }) => code)
      .then((failure) => {
        if (this.#line !== line) return;
        this.#asked--;
        if (failure && isCurrent()) this.#fail(channel, failure, { epoch, offset: upTo });
        else this.#rest(channel);
        this.fill(channel);
        this.#host.answered();
      });
  }

  /** Gives the messages of a page, and returns whether the page covers anything. */
  #take(channel: OrderedChannel, page: Page, { after, upTo, isCurrent }: Asked): boolean {
    for (const { event_type: type, data, offset } of page.messages) {
      // A listener may have ended the client or the line.
      if (!isCurrent()) return true;
      if (offset <= channel.offset || offset > upTo) continue;
      channel.offset = offset;
      this.#host.give(type, data);
    }
    // A page that covers nothing would be asked for without end.
    if (!isCurrent() || !(page.upTo > after)) return false;
    channel.offset = Math.max(channel.offset, Math.min(page.upTo, upTo));
    channel.settle();
    return true;
  }

  #fail(channel: OrderedChannel, code: unknown, position: Position): void {
    if (code === "not_in_channel") {
      this.#host.leave(channel);
      return;
    }
    if (code !== "history_lost" && channel.failures < MAX_REPEATS) {
      channel.timer = setTimeout(
        () => {
          channel.isRead = false;
          this.fill(channel);
        },
        FIRST_REPEAT_MS * 2 ** channel.failures++,
      );
      return;
    }
    this.#rest(channel);
    this.#host.lose(channel, position);
  }

  #rest(channel: OrderedChannel): void {
    channel.isRead = false;
    channel.failures = 0;
  }
}
