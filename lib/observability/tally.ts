/** Counts events by their name. */
export class Tally<Name extends string | number = string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name): void {
    this.#counts.set(name, this.get(name) + 1);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  /** The counts so far, as a copy. */
  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
