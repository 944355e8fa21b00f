import { randomUUID } from "node:crypto";

/** The prefix of every probe. No message of a node or a group begins with it: those are JSON, behind a line break. */
const PROBE = "probe:";

/** Channels probed in a round: the first ones subscribed, which are the node's own, and some of the others in turn. */
const FIRST = 4;
const IN_TURN = 150;

/** A channel is deaf after this many successive probes that Redis accepted but this process did not receive. */
const DEAF_AFTER = 2;

/** The channels whose messages should arrive. They may change at any time. */
export interface Subscribed {
  keys(): Iterator<string>;
  has(channel: string): boolean;
}

/** A channel whose last probe has not arrived yet. */
interface Unheard {
  /** Whether Redis has accepted the last probe. */
  isTaken: boolean;
  /** How many probes before it were accepted and did not arrive. */
  misses: number;
}

/**
 * Verifies subscriptions by messages that this process sends to itself. Clients lose subscriptions when a slot moves,
 * when a master is removed, or when subscribing again on a new line fails.
 *
 * A Redis that does not accept probes, or is slow, proves nothing about a channel.
 */
export class Probes {
  readonly #text = PROBE + randomUUID();
  readonly #publish: (channel: string, message: string) => Promise<unknown>;
  readonly #subscribed: Subscribed;
  readonly #unheard = new Map<string, Unheard>();
  #turn: Iterator<string>;
  #underWay = 0;

  constructor(subscribed: Subscribed, publish: (channel: string, message: string) => Promise<unknown>) {
    this.#subscribed = subscribed;
    this.#publish = publish;
    this.#turn = subscribed.keys();
  }

  /** Handles a message if it is a probe of any process. Returns whether it is one. */
  take(channel: string, message: string): boolean {
    if (!message.startsWith(PROBE)) return false;
    if (message === this.#text) this.#unheard.delete(channel);
    return true;
  }

  /** Has the next round probe a channel that may be deaf. */
  doubt(channel: string): void {
    if (this.#subscribed.has(channel) && !this.#unheard.has(channel))
      this.#unheard.set(channel, { isTaken: true, misses: 0 });
  }

  /** Probes the first channel. If its probe arrives, the line is up. */
  ask(): void {
    if (this.#underWay > 0) return;
    for (const channel of taken(this.#subscribed.keys(), 1)) this.#send(channel);
  }

  /** Evaluates the last round, and begins the next one. Returns whether a channel is deaf. */
  round(): boolean {
    // Otherwise probes would pile up at a Redis that does not answer.
    if (this.#underWay > 0) return false;
    for (const [channel, unheard] of this.#unheard) {
      if (!this.#subscribed.has(channel)) this.#unheard.delete(channel);
      else unheard.misses = unheard.isTaken ? unheard.misses + 1 : 0;
      if (unheard.misses >= DEAF_AFTER) return true;
    }
    for (const channel of new Set([...this.#unheard.keys(), ...this.#due()]))
      if (this.#subscribed.has(channel)) this.#send(channel);
    return false;
  }

  /** Drops all results of the old line, which a new one has replaced. */
  forget(): void {
    this.#unheard.clear();
  }

  *#due(): Iterable<string> {
    yield* taken(this.#subscribed.keys(), FIRST);
    for (let n = 0; n < IN_TURN; n++) {
      const { done, value } = this.#turn.next();
      if (done) {
        this.#turn = this.#subscribed.keys();
        return;
      }
      yield value;
    }
  }

  #send(channel: string): void {
    const unheard = this.#unheard.get(channel) ?? { isTaken: false, misses: 0 };
    unheard.isTaken = false;
    this.#unheard.set(channel, unheard);
    this.#underWay++;
    this.#publish(channel, this.#text)
      .then(
        () => {
          unheard.isTaken = true;
        },
        () => {},
      )
      .finally(() => {
        this.#underWay--;
      });
  }
}

/** The next items of an iterator, at most `count`. */
function* taken<T>(from: Iterator<T>, count: number): Iterable<T> {
  for (let n = 0; n < count; n++) {
    const { done, value } = from.next();
    if (done) return;
    yield value;
  }
}
