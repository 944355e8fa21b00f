/**
 * Items in the order of their last use. Each step takes constant time, however many items there are: the walk goes on
 * where it stopped, because it leaves nothing behind but the item that it found.
 */
export class UseOrder<T> {
  readonly #items = new Set<T>();
  #walk: Iterator<T> = this.#items.values();
  #oldest: T | undefined;

  /** Notes that an item is used now. An item that is not there yet is added. */
  use(item: T): void {
    this.drop(item);
    this.#items.add(item);
  }

  /** Removes an item. An item that is not there is no error. */
  drop(item: T): void {
    this.#items.delete(item);
    if (item === this.#oldest) this.#oldest = undefined;
  }

  /** The item that was used longest ago. */
  oldest(): T | undefined {
    if (this.#items.size === 0) return undefined;
    this.#oldest ??= this.#next();
    return this.#oldest;
  }

  #next(): T | undefined {
    const step = this.#walk.next();
    if (!step.done) return step.value;
    // A walk that has come to the end finds nothing that is added afterwards.
    this.#walk = this.#items.values();
    return this.#walk.next().value;
  }
}
