import { randomUUID } from "node:crypto";

/** Begins every probe. No message of a node or of a group does: those are JSON, behind a line break. */
const PROBE = "probe:";

/** Channels that are probed at a time: those that were subscribed first, which are a node's own, and others in turns. */
const FIRST = 4;
const IN_TURN = 150;

/** Probes of a channel that Redis has taken one after the other, and that were not heard: then the channel is deaf. */
const DEAF_AFTER = 2;

/** The channels that should be heard, which may change at any time. */
export interface Subscribed {
  keys(): Iterator<string>;
  has(channel: string): boolean;
}

/** A channel whose last probe was not heard yet. */
interface Unheard {
  /** Whether Redis has taken it. */
  isTaken: boolean;
  /** How many before it were taken and not heard. */
  misses: number;
}

/**
 * Finds out whether what is subscribed is heard, by what this process says to itself. Clients lose subscriptions: when
 * a slot moves, when a master is taken out, when they could not be made again on a new line.
 *
 * A Redis that takes no probe, or is slow, is no sign of anything.
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

  /** Takes a message that is a probe, of whomever. Answers whether it is one. */
  take(channel: string, message: string): boolean {
    if (!message.startsWith(PROBE)) return false;
    if (message === this.#text) this.#unheard.delete(channel);
    return true;
  }

  /** Has a channel probed with the next round: somebody has reason to think that it is deaf. */
  doubt(channel: string): void {
    if (this.#subscribed.has(channel) && !this.#unheard.has(channel))
      this.#unheard.set(channel, { isTaken: true, misses: 0 });
  }

  /** Probes the first channel: what is heard of it tells that the line is up. */
  ask(): void {
    if (this.#underWay > 0) return;
    for (const channel of taken(this.#subscribed.keys(), 1)) this.#send(channel);
  }

  /** Judges the last round, and begins another one. Answers whether a channel is deaf. */
  round(): boolean {
    // Else they would gather at a Redis that does not answer.
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

  /** The line is another one: nothing of the old one counts. */
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

/** The next of an iterator, at most so many. */
function* taken<T>(from: Iterator<T>, count: number): Iterable<T> {
  for (let n = 0; n < count; n++) {
    const { done, value } = from.next();
    if (done) return;
    yield value;
  }
}
