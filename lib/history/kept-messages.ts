/** A message in the memory of this process. */
interface Kept {
  readonly message: string;
  readonly bytes: number;
  readonly at: number;
}

/** Dropped messages that the list may hold before it is made anew, so that dropping one takes constant time. */
const MOST_DROPPED = 64;

/** The messages of a channel, the oldest first. */
export class KeptMessages {
  #list: (Kept | undefined)[] = [];
  #dropped = 0;

  get size(): number {
    return this.#list.length - this.#dropped;
  }

  get oldest(): Kept | undefined {
    return this.#list[this.#dropped];
  }

  /** The message at a place. The oldest one is at 0. */
  at(place: number): Kept {
    return this.#list[this.#dropped + place] as Kept;
  }

  add(kept: Kept): void {
    this.#list.push(kept);
  }

  dropOldest(): void {
    this.#list[this.#dropped++] = undefined;
    if (this.size > 0 && this.#dropped < Math.max(MOST_DROPPED, this.size)) return;
    this.#list = this.#list.slice(this.#dropped);
    this.#dropped = 0;
  }
}
