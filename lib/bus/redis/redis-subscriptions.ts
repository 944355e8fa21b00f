import { inBatches } from "../../calls/in-batches.ts";
import type { RedisClient } from "../../redis-client/redis-client.ts";
import type { MessageListener } from "../bus.ts";
import { Probes } from "./probes.ts";
import { RedisLine } from "./redis-line.ts";

/** Milliseconds between two looks at what is subscribed. */
const ROUND_MS = 3_000;

/** The same while a line is coming up, of which no event may tell. */
const ASK_MS = 250;

/** A line, and whether it has been up. */
interface Current {
  readonly line: RedisLine;
  readonly up: Promise<void>;
  isUp: boolean;
}

/** What subscriptions need of their bus. */
export interface SubscriptionsParts {
  /** The app's client, beside which they have a line of their own. */
  readonly client: RedisClient;
  /** Publishes on a channel. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Called when messages may have been missed, and before the first one that comes after that. */
  onGap(): void;
}

/**
 * What a bus hears, by a line that is made when it is first needed, and anew when it has gone deaf.
 *
 * node-redis reconnects and subscribes again by itself. That fails in silence for single channels, so it is verified:
 * see {@link Probes}. A channel that cannot be subscribed is tried again with each round, and takes no other one down.
 */
export class RedisSubscriptions {
  readonly #parts: SubscriptionsParts;
  /** What is to be heard, by channel: each listener with what is subscribed for it. */
  readonly #wanted = new Map<string, Map<MessageListener, MessageListener>>();
  readonly #down = new Set<string>();
  readonly #probes: Probes;
  #current: Current | undefined;
  #topology: unknown;
  #nextRound: NodeJS.Timeout | undefined;
  /** Whether a line is coming up of which nobody was told yet. */
  #isComingUp = false;
  #isDeaf = false;
  #hasBeenUp = false;
  #isClosed = false;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    const subscribed = {
      keys: () => this.#wanted.keys(),
      has: (channel: string) => this.#wanted.has(channel) && !this.#down.has(channel),
    };
    this.#probes = new Probes(subscribed, (channel, message) => parts.publish(channel, message));
  }

  /** Resolves once messages arrive. */
  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const hear = this.#want(channel, listener);
    try {
      for (;;) {
        const current = this.#opened();
        await current.up;
        try {
          return await current.line.subscribe(channel, hear);
        } catch (error) {
          // The line that has taken the place of this one is asked then.
          if (this.#current === current || this.#isClosed) throw error;
        }
      }
    } catch (error) {
      this.#unwant(channel, listener);
      throw error;
    }
  }

  /** Resolves once this listener hears no more of the channel. */
  async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    const hear = this.#unwant(channel, listener);
    const current = this.#current;
    // Without a line nothing is subscribed.
    if (!hear || !current) return;
    await current.up;
    await current.line.unsubscribe(channel, hear);
  }

  /** Nobody has heard a message on a channel: if it is one of these, it may be deaf. */
  doubt(channel: string): void {
    this.#probes.doubt(channel);
  }

  close(): void {
    this.#isClosed = true;
    this.#wanted.clear();
    clearTimeout(this.#nextRound);
    this.#nextRound = undefined;
    this.#current?.line.destroy();
    this.#current = undefined;
  }

  #want(channel: string, listener: MessageListener): MessageListener {
    const listeners = this.#wanted.get(channel) ?? new Map<MessageListener, MessageListener>();
    this.#wanted.set(channel, listeners);
    const known = listeners.get(listener);
    if (known) return known;
    const hear = (message: string): void => {
      // node-redis hands on what has come with the answer to its subscriptions, and only then says that the line is up.
      if (this.#isComingUp) this.#tell();
      if (!this.#probes.take(channel, message)) listener(message);
    };
    listeners.set(listener, hear);
    this.#isClosed = false;
    this.#schedule();
    return hear;
  }

  #unwant(channel: string, listener: MessageListener): MessageListener | undefined {
    const listeners = this.#wanted.get(channel);
    const hear = listeners?.get(listener);
    listeners?.delete(listener);
    if (listeners?.size === 0) {
      this.#wanted.delete(channel);
      this.#down.delete(channel);
    }
    return hear;
  }

  /** After the first line, a new one has to hear what others have asked for before. */
  #opened(): Current {
    return this.#current ?? (this.#hasBeenUp ? this.#renew() : this.#open(async () => {}));
  }

  /** Opens a line. What is to be done first is done before anybody subscribes by it. */
  #open(first: (line: RedisLine) => Promise<void>): Current {
    const line = new RedisLine(this.#parts.client);
    const current: Current = { line, isUp: false, up: this.#connect(line).then(() => first(line)) };
    this.#current = current;
    current.up.then(
      () => {
        current.isUp = true;
        this.#hasBeenUp = true;
        this.#topology = line.topology;
      },
      () => {
        line.destroy();
        // The next who subscribes tries again, or the next round.
        if (this.#current === current) this.#current = undefined;
      },
    );
    return current;
  }

  #connect(line: RedisLine): Promise<void> {
    const isOld = () => this.#current?.line !== line;
    return line.connect({
      comingUp: () => {
        if (!isOld()) this.#comesUp();
      },
      up: () => {
        if (!isOld()) this.#tell();
      },
      deaf: () => {
        if (!isOld()) this.#isDeaf = true;
      },
    });
  }

  /** A new line in the place of one that is deaf. The old one ends first: nothing is to be heard twice. */
  #renew(): Current {
    this.#current?.line.destroy();
    this.#isDeaf = false;
    this.#probes.forget();
    const current = this.#open((line) => {
      this.#isComingUp = true;
      return this.#subscribeAgain(line, [...this.#wanted.keys()]);
    });
    current.up.then(
      () => this.#tell(),
      () => {},
    );
    return current;
  }

  /** Whatever cannot be subscribed is down until a later round. Never rejects. */
  async #subscribeAgain(line: RedisLine, channels: readonly string[]): Promise<void> {
    await inBatches(channels, async (channel) => {
      try {
        for (const hear of this.#wanted.get(channel)?.values() ?? []) await line.subscribe(channel, hear);
        this.#down.delete(channel);
      } catch {
        if (this.#wanted.has(channel)) this.#down.add(channel);
      }
    });
  }

  #schedule(): void {
    if (this.#nextRound) return;
    this.#nextRound = setTimeout(() => {
      this.#nextRound = undefined;
      if (this.#wanted.size === 0) return;
      this.#round();
      this.#schedule();
    }, ROUND_MS);
    this.#nextRound.unref();
  }

  #round(): void {
    const current = this.#current;
    if (!current) this.#renew();
    else if (current.isUp) this.#lookAt(current.line);
  }

  #lookAt(line: RedisLine): void {
    if (this.#isDeaf || this.#probes.round()) {
      this.#renew();
      return;
    }
    if (this.#down.size > 0) void this.#tryAgain(line);
    if (this.#topology === line.topology) return;
    // A channel that has moved was subscribed again by the client, which tells nobody of it.
    this.#topology = line.topology;
    this.#tell();
  }

  async #tryAgain(line: RedisLine): Promise<void> {
    const before = this.#down.size;
    await this.#subscribeAgain(line, [...this.#down]);
    if (this.#down.size < before) this.#tell();
  }

  #comesUp(): void {
    if (this.#isComingUp) return;
    this.#isComingUp = true;
    const asking = setInterval(() => {
      if (this.#isComingUp && !this.#isClosed) this.#probes.ask();
      else clearInterval(asking);
    }, ASK_MS);
    asking.unref();
  }

  #tell(): void {
    this.#isComingUp = false;
    this.#parts.onGap();
  }
}
