/** A round of members that wait for the same work. */
export class Round<T> {
  /** The members that are still there. When none is left, the round resolves. */
  readonly members: Set<T> = new Set<T>();
  readonly done: Promise<void>;
  resolve: () => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  leave(member: T): void {
    if (this.members.delete(member) && this.members.size === 0) this.resolve();
  }
}

/**
 * Does one piece of work for all members that come together under one key.
 *
 * It does the work for the first member at once, and then once for all members that have come meanwhile. So the work
 * for a member always begins after the member has come.
 */
export class Rounds<T> {
  readonly #work: (round: Round<T>) => Promise<void>;
  readonly #running = new Map<string, Round<T>>();
  readonly #waiting = new Map<string, Round<T>>();

  constructor(work: (round: Round<T>) => Promise<void>) {
    this.#work = work;
  }

  /** Resolves once work that has begun after this call is done. */
  join(key: string, member: T): Promise<void> {
    const waiting = this.#waiting.get(key);
    const round = waiting ?? new Round<T>();
    round.members.add(member);
    if (waiting) return round.done;
    if (this.#running.has(key)) this.#waiting.set(key, round);
    else this.#begin(key, round);
    return round.done;
  }

  /** Takes out a member that has gone. */
  leave(key: string, member: T): void {
    this.#running.get(key)?.leave(member);
    const waiting = this.#waiting.get(key);
    waiting?.leave(member);
    // The work of an empty round is never done. The next member must not wait for that round or take it for done.
    if (waiting?.members.size === 0) this.#waiting.delete(key);
  }

  #begin(key: string, round: Round<T>): void {
    this.#running.set(key, round);
    this.#work(round).then(round.resolve, round.reject);
    const goOn = () => {
      const next = this.#waiting.get(key);
      this.#waiting.delete(key);
      if (next) this.#begin(key, next);
      else this.#running.delete(key);
    };
    round.done.then(goOn, goOn);
  }
}
