/**
 * Walks a map in a circle, a few entries at a time. So expired entries are found without a timer and without a pause.
 * Entries may come and go between two steps.
 */
export class ClockHand<K, V> {
  readonly #map: ReadonlyMap<K, V>;
  #entries: Iterator<[K, V]>;

  constructor(map: ReadonlyMap<K, V>) {
    this.#map = map;
    this.#entries = map.entries();
  }

  /** Visits the next few entries. After the last entry, the next call begins again. */
  advance(count: number, visit: (key: K, value: V) => void): void {
    for (let visited = 0; visited < count; visited++) {
      const step = this.#entries.next();
      if (step.done) {
        this.#entries = this.#map.entries();
        return;
      }
      visit(...step.value);
    }
  }
}
