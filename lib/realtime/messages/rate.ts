/** A bucket that fills with time: so much is let through in a second, after as much at once. */
export class Rate {
  readonly #perSecond: number;
  #left: number;
  #filledAt: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#left = this.#capacity;
    this.#filledAt = now;
  }

  /** Whether an amount may come through now. One that is larger than the bucket needs all of it. */
  take(amount: number, now: number): boolean {
    // Infinity times no time would be no number.
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true;
    const filled = Math.min(this.#capacity, this.#left + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    this.#left = Math.max(0, filled - amount);
    return filled >= Math.min(amount, this.#capacity);
  }

  /** Of less than one, none could ever be taken. */
  get #capacity(): number {
    return Math.max(1, this.#perSecond);
  }
}
