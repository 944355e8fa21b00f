/**
 * Who has been taken out of a channel while its messages are held. One that comes after that is not for them, though they
 * may be back by the time at which it is delivered.
 */
export class Exited<R> {
  #all = new Set<R>();
  #isShown = false;

  /** As it is now, whatever changes. */
  get now(): ReadonlySet<R> {
    this.#isShown = true;
    return this.#all;
  }

  add(receiver: R): void {
    this.#own().add(receiver);
  }

  delete(receiver: R): void {
    if (this.#all.has(receiver)) this.#own().delete(receiver);
  }

  /** What was shown is not changed any more. */
  #own(): Set<R> {
    if (this.#isShown) this.#all = new Set(this.#all);
    this.#isShown = false;
    return this.#all;
  }
}
