/** What has an expiry, and a number of its own that changes whenever the expiry does. */
export interface Expiring {
  readonly expiresAt: number;
  readonly mark: number;
}

/** A list in the order of expiry: both ends are found at once, and one entry by halving. */
export class ExpiryOrder<E extends Expiring> {
  #entries: E[] = [];

  get size(): number {
    return this.#entries.length;
  }

  add(entry: E): void {
    const last = this.#entries.at(-1);
    // Most are added at the end.
    if (!last || compare(last, entry) < 0) this.#entries.push(entry);
    else this.#entries.splice(this.#placeOf(entry), 0, entry);
  }

  /** Takes out an entry, which is as it was when it was added. One that is not in the list is no error. */
  delete(entry: E): void {
    const place = this.#placeOf(entry);
    // Beside an expiry that is no number, halving may lead astray.
    const at = this.#entries[place] === entry ? place : this.#entries.indexOf(entry);
    if (at >= 0) this.#entries.splice(at, 1);
  }

  /** Those that expire first, the first one first. */
  first(limit: number): E[] {
    return this.#entries.slice(0, limit);
  }

  /** Those that expire last, the last one first. */
  last(limit: number): E[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - limit)).reverse();
  }

  /** Moves all of another list into this one. */
  takeAll(other: ExpiryOrder<E>): void {
    if (other.size > 0) this.#entries = [...this.#entries, ...other.#entries].sort(compare);
    other.#entries = [];
  }

  #placeOf(entry: E): number {
    let [from, to] = [0, this.#entries.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compare(this.#entries[middle] as E, entry) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Two that expire at the same moment, or never, stand in the order of their marks. */
function compare(a: Expiring, b: Expiring): number {
  return a.expiresAt === b.expiresAt ? a.mark - b.mark : a.expiresAt < b.expiresAt ? -1 : 1;
}
