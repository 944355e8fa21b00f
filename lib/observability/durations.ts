/** From a tenth of a millisecond to a handshake's patience, in seconds. */
export const BUCKETS: readonly number[] = Object.freeze([
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5,
]);

/** How long some things took: how many at most as long as each bucket says, how many in all, and the sum in seconds. */
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

  /** Adds what another has counted. */
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

  /** How many took at most as long as each bucket says: each counts those before it. */
  get cumulative(): readonly number[] {
    let total = 0;
    return this.#counts.map((count) => {
      total += count;
      return total;
    });
  }
}
