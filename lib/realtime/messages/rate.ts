/** A token bucket. It lets through one second's amount at once, and then that amount in each second. */
export class Rate {
  readonly #perSecond: number;
  #left: number;
  #filledAt: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#left = this.#capacity;
    this.#filledAt = now;
  }

  /** Whether an amount may come through now. An amount larger than the bucket needs a full bucket. */
  take(amount: number, now: number): boolean {
    // Infinity multiplied by zero seconds would be NaN.
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true;
    const filled = Math.min(this.#capacity, this.#left + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    this.#left = Math.max(0, filled - amount);
    return filled >= Math.min(amount, this.#capacity);
  }

  /** At least one: otherwise not even a single one could be taken. */
  get #capacity(): number {
    return Math.max(1, this.#perSecond);
  }
}
