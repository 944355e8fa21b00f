/** The upper bounds of the buckets in seconds: from a tenth of a millisecond to the timeout of a handshake. */
export const BUCKETS: readonly number[] = Object.freeze([
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5,
]);

/** Counts durations. It keeps the number of durations in each bucket, the number of all, and their sum in seconds. */
export class Durations {
  readonly #counts: number[] = BUCKETS.map(() => 0);
  #count = 0;
  #sum = 0;

  observe(ms: number): void {
    const seconds = ms / 1000;
    this.#count++;
    this.#sum += seconds;
    const at = BUCKETS.findIndex((bucket) => seconds <= bucket);
    if (at >= 0) this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  /** Adds the counts of another instance. */
  add(other: Durations): void {
    for (const [at, count] of other.#counts.entries())
      this.#counts[at] = (this.#counts[at] as number) + count;
    this.#count += other.#count;
    this.#sum += other.#sum;
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** The number of durations up to the bound of each bucket. Each number includes those of the buckets before it. */
  get cumulative(): readonly number[] {
    let total = 0;
    return this.#counts.map((count) => {
      total += count;
      return total;
    });
  }
}
