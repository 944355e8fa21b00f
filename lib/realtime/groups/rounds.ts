/** Those who wait for the same work. */
export class Round<T> {
  /** Who is still there: the work ends when nobody is. */
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
 * Does the same for all who come together under one key, at once: for who comes first, and then for all who have come
 * meanwhile. So what is found out for somebody was asked for after they had come.
 */
export class Rounds<T> {
  readonly #work: (round: Round<T>) => Promise<void>;
  readonly #running = new Map<string, Round<T>>();
  readonly #waiting = new Map<string, Round<T>>();

  constructor(work: (round: Round<T>) => Promise<void>) {
    this.#work = work;
  }

  /** Resolves once the work is done that has begun after this. */
  join(key: string, member: T): Promise<void> {
    const waiting = this.#waiting.get(key);
    const round = waiting ?? new Round<T>();
    round.members.add(member);
    if (waiting) return round.done;
    if (this.#running.has(key)) this.#waiting.set(key, round);
    else this.#begin(key, round);
    return round.done;
  }

  /** Takes somebody out who has gone. */
  leave(key: string, member: T): void {
    this.#running.get(key)?.leave(member);
    const waiting = this.#waiting.get(key);
    waiting?.leave(member);
    // Its work will not be done: who comes next must not wait for it, and take it for done.
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
