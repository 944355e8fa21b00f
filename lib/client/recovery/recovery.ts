import type { StateInfo } from "../client-contract.ts";
import { HistoryReader, type HistoryReaderHost } from "./history-reader.ts";
import { OrderedChannel, type Position, type Waiting } from "./ordered-channel.ts";

/** The most channels whose positions are kept. The channel that was quiet for longest is forgotten first. */
const MAX_CHANNELS = 2000;

/** The most ids of connections that are kept. */
const MAX_CONNECTIONS = 10;

const PREFIX = "session.";

/** The owner of a recovery. */
export interface RecoveryHost {
  /** Asks the server, and resolves to the data of its answer. */
  ask(type: string, data: object): Promise<unknown>;
  give(type: string, data: object): void;
  /** Called with the name of a channel when messages of it are lost for good. */
  lost(channel: string): void;
  /** Called when what was missed is there, or lost. */
  open(info: StateInfo): void;
}

/** Data of the server's messages about positions. */
interface Told extends Position {
  readonly connection: string;
  readonly channels: Readonly<Record<string, Position>>;
  readonly channel: string;
}

/**
 * Puts the messages of channels in order, and fills the gaps. The position of a channel is that of the last message
 * that listeners were given. Positions outlive the lines of a client, so that what was missed between two lines is a gap
 * as any other.
 */
export class Recovery {
  readonly #host: RecoveryHost;
  readonly #withinMs: number;
  readonly #reader: HistoryReader;
  /** The channel that was quiet for longest is the first one. */
  readonly #channels = new Map<string, OrderedChannel>();
  readonly #waiting = new Set<Waiting>();
  /** The ids of the last connections. The newest is the first one. */
  #connections: readonly string[] = [];
  /** The gaps that have to be filled before the client is open. Once it is open, there is no such map. */
  #due: Map<OrderedChannel, number> | undefined;
  /** Runs until the positions are told. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #isWhole = true;

  constructor(host: RecoveryHost, withinMs: number) {
    this.#host = host;
    this.#withinMs = withinMs;
    const readerHost: HistoryReaderHost = {
      ask: (request) => host.ask(`${PREFIX}history`, { ...request, was: this.#connections }),
      give: host.give,
      lose: (channel, position) => this.#lose(channel, position),
      leave: (channel) => this.#forget(channel),
      answered: () => this.#check(),
    };
    this.#reader = new HistoryReader(readerHost);
  }

  /** The line is open. */
  opened(): void {
    this.#reader.open();
    if (!this.#channels.size) {
      this.#open({});
      return;
    }
    this.#due = new Map();
    this.#patience = setTimeout(() => {
      for (const channel of this.#channels.values()) this.#forget(channel, true);
      this.#told();
    }, this.#withinMs);
  }

  /** The line is lost. What waits is read again on the next line. */
  lost(): void {
    this.#reader.close();
    clearTimeout(this.#patience);
    this.#patience = this.#due = undefined;
    this.#waiting.clear();
    for (const channel of this.#channels.values()) channel.rest();
  }

  /** Forgets all positions. */
  clear(): void {
    this.lost();
    this.#channels.clear();
    this.#isWhole = true;
  }

  /** Takes an event of the server, and gives it to the listeners in its turn. */
  receive(type: string, data: object, name: string, offset: number): void {
    // It is only read if the server tells of positions.
    const told = data as Told;
    if (type === `${PREFIX}positions`) this.#positions(told);
    else if (type === `${PREFIX}lost`) this.#position(told.channel, told, true);
    else if (type === `${PREFIX}passed`) this.#order(told.channel, told.offset, () => {});
    else if (type !== `${PREFIX}history`) this.#order(name, offset, () => this.#host.give(type, data));
    this.#check();
  }

  #order(name: string, offset: number, give: () => void): void {
    const channel = this.#channels.get(name);
    if (!channel || !Number.isSafeInteger(offset)) {
      give();
      return;
    }
    this.#keep(channel);
    channel.receive(offset, give);
    this.#reader.fill(channel);
  }

  #positions({ connection, channels }: Told): void {
    if (connection !== this.#connections[0])
      this.#connections = [connection, ...this.#connections].slice(0, MAX_CONNECTIONS);
    // The positions that the client holds come first. Otherwise new ones could displace them before they are compared.
    const isNew = ([name]: [string, unknown]) => (this.#channels.has(name) ? 0 : 1);
    for (const [name, position] of Object.entries(Object(channels) as Told["channels"]).sort(
      (one, other) => isNew(one) - isNew(other),
    )) {
      this.#position(name, position);
      // A listener may have ended the client or the line.
      if (!this.#reader.isOpen) return;
    }
    this.#told();
  }

  /** Takes a position that the server tells. `isLost` says that the messages up to it are gone. */
  #position(name: string, position: Position, isLost = false): void {
    const { epoch, offset } = Object(position) as Position;
    if (!Number.isSafeInteger(offset)) return;
    const channel = this.#channels.get(name);
    this.#keep(channel ?? new OrderedChannel(name, { epoch, offset }, this.#waiting));
    if (!channel) {
      if (isLost) this.#tellLost(name);
    } else if (epoch !== channel.epoch || (isLost && offset > channel.offset)) {
      this.#lose(channel, { epoch, offset });
    } else if (offset > channel.offset) {
      channel.end = Math.max(channel.end, offset);
      if (this.#patience) this.#due?.set(channel, offset);
      this.#reader.fill(channel);
    }
  }

  /** Marks a channel as the one that was used last. */
  #keep(channel: OrderedChannel): void {
    this.#channels.delete(channel.name);
    this.#channels.set(channel.name, channel);
    const [oldest] = this.#channels.values();
    if (this.#channels.size > MAX_CHANNELS && oldest) this.#forget(oldest, oldest.end > oldest.offset);
  }

  #forget(channel: OrderedChannel, isLost = false): void {
    this.#channels.delete(channel.name);
    this.#due?.delete(channel);
    channel.settle(Infinity);
    channel.rest();
    channel.epoch = undefined;
    if (isLost) this.#tellLost(channel.name);
  }

  #lose(channel: OrderedChannel, position: Position): void {
    this.#due?.delete(channel);
    channel.move(position);
    this.#tellLost(channel.name);
    channel.settle();
  }

  #tellLost(name: string): void {
    if (this.#due) this.#isWhole = false;
    this.#host.lost(name);
  }

  /** The positions are told, or never will be. */
  #told(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#check();
  }

  /** Tells that the client is open, once all gaps are filled or lost. */
  #check(): void {
    if (!this.#due || this.#patience) return;
    for (const [channel, offset] of this.#due) if (channel.offset < offset) return;
    this.#open({ recovered: this.#isWhole });
  }

  #open(info: StateInfo): void {
    this.#due = undefined;
    this.#isWhole = true;
    this.#host.open(info);
  }
}
