/** An entry with an expiry, and with a unique number that changes whenever the expiry changes. */
export interface Expiring {
  readonly expiresAt: number;
  readonly mark: number;
}

/** A list in the order of expiry. Both ends are found at once, and a single entry by binary search. */
export class ExpiryOrder<E extends Expiring> {
  #entries: E[] = [];

  get size(): number {
    return this.#entries.length;
  }

  add(entry: E): void {
    const last = this.#entries.at(-1);
    // Most entries are added at the end.
    if (!last || compare(last, entry) < 0) this.#entries.push(entry);
    else this.#entries.splice(this.#placeOf(entry), 0, entry);
  }

  /** Removes an entry, which must not have changed since it was added. An entry that is not in the list is no error. */
  delete(entry: E): void {
    const place = this.#placeOf(entry);
    // The binary search may fail if the list contains an expiry that is not a number.
    const at = this.#entries[place] === entry ? place : this.#entries.indexOf(entry);
    if (at >= 0) this.#entries.splice(at, 1);
  }

  /** Returns the entries that expire first, in the order of expiry. */
  first(limit: number): E[] {
    return this.#entries.slice(0, limit);
  }

  /** Returns the entries that expire last, the last one first. */
  last(limit: number): E[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - limit)).reverse();
  }

  /** Moves all entries of another list into this one. */
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

/** Entries that expire at the same moment, or never, are in the order of their marks. */
function compare(a: Expiring, b: Expiring): number {
  return a.expiresAt === b.expiresAt ? a.mark - b.mark : a.expiresAt < b.expiresAt ? -1 : 1;
}
