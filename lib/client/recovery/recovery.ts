import type { StateInfo } from "../client-contract.ts";
import type { ClientConfig } from "../client-options.ts";
import type { Listeners } from "../listeners.ts";
import type { Outbox } from "../outbox.ts";
import { type HeldChannel, heldChannel, type Position } from "./held-channel.ts";
import type { Answered, Told } from "./history-messages.ts";

/** The most channels whose positions are held. The channel that was quiet for longest is forgotten first. */
const MAX_CHANNELS = 2000;

/** The most messages that wait. Newer ones are dropped, and read from the history later. */
const MAX_WAITING = 1000;

/** The most ids of connections that are kept. */
const MAX_CONNECTIONS = 10;

/** The most channels whose history is asked for at once. */
const AT_ONCE = 4;

/** How often a request for history is repeated. */
const MAX_REPEATS = 5;

/** Milliseconds before the first repeat. Each further wait is twice as long. */
const FIRST_REPEAT_MS = 1000;

const HISTORY = "session.history";

/**
 * Puts the messages of channels in order, and fills the gaps. The position of a channel is that of the last message that
 * listeners were given. Positions outlive the lines of a client. So messages that were missed between two lines are a
 * gap like any other.
 */
export class Recovery {
  readonly #config: ClientConfig;
  readonly #outbox: Outbox;
  /** The listeners of each type of event. */
  readonly #events: ReadonlyMap<string, Listeners<[object]>>;
  /** Tells of channels of which messages are lost for good. */
  readonly #losses: Listeners<[string]>;
  /** Called when what was missed is there, or lost. */
  readonly #open: (info: StateInfo) => void;
  /** The channel that was quiet for longest is the first one. Each line has a map of its own. */
  #channels = new Map<string, HeldChannel>();
  /** How many messages wait. */
  #waits = 0;
  /** How many requests for history have no answer yet. */
  #asking = 0;
  /** The ids of the last connections. The newest is the first one. */
  #connections: string[] = [];
  /** Runs until the positions of this line are told. Then it is `0`. */
  #patience: HeldChannel["reading"];
  /** Whether nothing was lost, from the opening of a line until the client is open. */
  #recovered: boolean | undefined;

  constructor(
    config: ClientConfig,
    outbox: Outbox,
    events: ReadonlyMap<string, Listeners<[object]>>,
    losses: Listeners<[string]>,
    open: (info: StateInfo) => void,
  ) {
    this.#config = config;
    this.#outbox = outbox;
    this.#events = events;
    this.#losses = losses;
    this.#open = open;
  }

  #isHeld(channel: HeldChannel): boolean {
    return this.#channels.get(channel.name) === channel;
  }

  opened(): void {
    if (!this.#channels.size) this.#open({});
    else {
      this.#recovered ??= true;
      this.#patience = setTimeout(() => this.#tell(), this.#config.requestTimeoutMs);
    }
  }

  lost(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#channels = new Map(
      [...this.#channels].map(([name, channel]) => {
        clearTimeout(channel.reading);
        return [name, heldChannel(name, channel)];
      }),
    );
  }

  clear(): void {
    this.lost();
    this.#channels.clear();
    this.#recovered = undefined;
  }

  receive(type: string, data: object, name: string, offset: number): void {
    const told = data as Told;
    if (type === "session.positions") this.#tell(told);
    else if (type === "session.lost") this.#move(told.channel, told, true);
    else if (type === "session.passed") this.#order(told.channel, told.offset, () => {});
    else if (type !== HISTORY) this.#order(name, offset, () => this.#give(type, data));
    this.#goOn();
  }

  #order(name: string, offset: number, give: () => void): void {
    const channel = this.#channels.get(name);
    if (channel && offset) {
      this.#use(channel, offset);
      if (this.#waits < MAX_WAITING || offset === channel.offset + 1) channel.waiting.set(offset, give);
      this.#settle(channel);
    } else give();
  }

  #give(type: string, data: object): void {
    this.#events.get(type)?.tell(data);
  }

  /** Gives the waiting messages that are next. Up to the offset `through`, no message is missing any more. */
  #settle(channel: HeldChannel, through = 0): void {
    if (through > channel.offset) channel.failures = 0;
    for (const [offset, give] of [...channel.waiting].sort(([one], [other]) => one - other)) {
      // A listener may have ended the client or the line.
      if (offset > Math.max(through, channel.offset) + 1 || !this.#isHeld(channel)) break;
      channel.waiting.delete(offset);
      if (offset > channel.offset) {
        channel.offset = offset;
        give();
      }
    }
    channel.offset = Math.max(through, channel.offset);
  }

  /** The server tells the positions, or it is too late for them. */
  #tell(told?: Told): void {
    const line = this.#channels;
    if (told) {
      this.#connections = [...new Set([told.connection, ...this.#connections])].slice(0, MAX_CONNECTIONS);
      for (const name in told.channels)
        if (line === this.#channels) this.#move(name, told.channels[name] as Position);
    } else for (const channel of line.values()) this.#forget(channel, true);
    // A listener may have ended the client or the line.
    if (line === this.#channels) {
      clearTimeout(this.#patience);
      this.#patience = 0;
      this.#goOn();
    }
  }

  /** Compares a position that the server tells. `isLost` says that the messages up to it are gone. */
  #move(name: string, told: Position, isLost?: boolean): void {
    const { epoch, offset } = told;
    const channel = this.#channels.get(name) ?? heldChannel(name, { epoch, offset: isLost ? -1 : offset });
    this.#use(channel, isLost ? 0 : offset);
    if (epoch !== channel.epoch) this.#forget(channel, true, told);
    else if (isLost && offset > channel.offset) this.#lose(channel, offset);
  }

  /** Marks a channel as the one that was used last. */
  #use(channel: HeldChannel, offset: number): void {
    channel.end = Math.max(channel.end, offset);
    this.#channels.delete(channel.name);
    this.#channels.set(channel.name, channel);
  }

  /** Gives what waits, and forgets the channel. `next` is its position in another life of the history. */
  #forget(channel: HeldChannel, isLost?: boolean, next?: Position): void {
    const { name, reading } = channel;
    const line = this.#channels;
    this.#settle(channel, Infinity);
    clearTimeout(reading);
    this.#channels.delete(name);
    if (next && line === this.#channels) this.#channels.set(name, heldChannel(name, next));
    if (isLost) this.#tellLost(name);
  }

  /** The messages up to an offset are gone. */
  #lose(channel: HeldChannel, offset: number): void {
    this.#tellLost(channel.name);
    this.#settle(channel, offset);
  }

  #tellLost(name: string): void {
    this.#recovered &&= false;
    this.#losses.tell(name);
  }

  /** Does what is due after any news. */
  #goOn(): void {
    let isDue = this.#patience !== 0;
    this.#waits = 0;
    for (const channel of this.#channels.values()) {
      const { offset, end, waiting } = channel;
      this.#waits += waiting.size;
      if (this.#channels.size > MAX_CHANNELS) this.#forget(channel, end > offset);
      else if (end > offset) {
        isDue = true;
        if (this.#asking < AT_ONCE && channel.reading === undefined) void this.#read(channel);
      }
    }
    if (this.#recovered !== undefined && !isDue) {
      this.#open({ recovered: this.#recovered });
      this.#recovered = undefined;
    }
  }

  /** Asks for the messages of a gap, and gives them. */
  async #read(channel: HeldChannel): Promise<void> {
    const { name, epoch, offset: after, end, waiting } = channel;
    const upTo = Math.min(end + 1, ...waiting.keys()) - 1;
    channel.reading = 0;
    this.#asking++;
    const request = { channel: name, epoch, after, upTo, was: this.#connections };
    const answer: Answered = Object(
      await this.#outbox.request(HISTORY, request, false, true).catch((error) => error),
    );
    this.#asking--;
    channel.reading = undefined;
    // Otherwise the answer came too late.
    if (this.#isHeld(channel)) {
      for (const { event_type, data, offset } of answer.messages ?? [])
        waiting.set(offset, () => this.#give(event_type, data));
      this.#settle(channel, answer.upTo);
      // The user has left, or the server has yet to restore the group. If it does, it tells the position anew.
      if (answer.code === "not_in_channel") this.#channels.set(name, heldChannel(name, channel));
      else if (answer.code === "history_lost" || channel.failures === MAX_REPEATS) this.#lose(channel, upTo);
      else if (channel.offset === after)
        channel.reading = setTimeout(
          () => {
            channel.reading = undefined;
            this.#goOn();
          },
          FIRST_REPEAT_MS * 2 ** channel.failures++,
        );
    }
    this.#goOn();
  }
}
