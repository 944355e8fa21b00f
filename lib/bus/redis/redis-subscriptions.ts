import { inBatches } from "../../calls/in-batches.ts";
import type { RedisClient } from "../../redis-client/redis-client.ts";
import type { MessageListener } from "../bus.ts";
import { Probes } from "./probes.ts";
import { RedisLine } from "./redis-line.ts";

/** Milliseconds between two checks of the subscriptions. */
const ROUND_MS = 3_000;

/** Milliseconds between two probes while a line is coming up. No event may report that it is up. */
const ASK_MS = 250;

/** A line, and whether it has been up. */
interface Current {
  readonly line: RedisLine;
  readonly up: Promise<void>;
  isUp: boolean;
}

/** What subscriptions need from their bus. */
export interface SubscriptionsParts {
  /** The app's client. The subscriptions have a line of their own beside it. */
  readonly client: RedisClient;
  /** Publishes on a channel. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Called when messages may have been missed, before the first message after the gap. */
  onGap(): void;
}

/**
 * The subscriptions of a bus. Their line is opened when it is first needed, and replaced when it has gone deaf.
 *
 * node-redis reconnects and subscribes again by itself. That can fail silently for single channels, so {@link Probes}
 * verify it. Each round tries again the channels that could not be subscribed. Such a channel does not affect the others.
 */
export class RedisSubscriptions {
  readonly #parts: SubscriptionsParts;
  /** The wanted listeners by channel, each with the function that is subscribed for it. */
  readonly #wanted = new Map<string, Map<MessageListener, MessageListener>>();
  readonly #down = new Set<string>();
  readonly #probes: Probes;
  #current: Current | undefined;
  #topology: unknown;
  #nextRound: NodeJS.Timeout | undefined;
  /** Whether a line is coming up and `onGap` was not called for it yet. */
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
          // If another line has replaced this one, the loop subscribes there.
          if (this.#current === current || this.#isClosed) throw error;
        }
      }
    } catch (error) {
      this.#unwant(channel, listener);
      throw error;
    }
  }

  /** Resolves once this listener receives nothing more from the channel. */
  async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    const hear = this.#unwant(channel, listener);
    const current = this.#current;
    // Without a line nothing is subscribed.
    if (!hear || !current) return;
    await current.up;
    await current.line.unsubscribe(channel, hear);
  }

  /** Reports that a message on a channel had no receivers. If the channel is subscribed here, it may be deaf. */
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
      // node-redis delivers messages that came with the answer to its subscriptions before it reports that the line is up.
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

  /** The current line, or a new one. Any line after the first must subscribe again to all wanted channels. */
  #opened(): Current {
    return this.#current ?? (this.#hasBeenUp ? this.#renew() : this.#open(async () => {}));
  }

  /** Opens a line. `first` runs before anybody subscribes on it. */
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
        // The next call of `subscribe`, or the next round, tries again.
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

  /** Opens a new line in place of a deaf one. The old line ends first, so that no message arrives twice. */
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

  /** Subscribes again to channels. A channel that fails is down until a later round. Never rejects. */
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
    // The client has subscribed again to the channels that moved, without an event.
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
