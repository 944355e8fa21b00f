/**
 * Values that several ask for in one turn of the event loop, read once for all of them. The clients of Redis send what a
 * turn asks for when the turn ends: whoever joins a read has asked before it is sent, and gets nothing older than by one
 * of their own.
 */
export class SharedReads<T> {
  readonly #read: (key: string) => Promise<T>;
  readonly #ofThisTurn = new Map<string, Promise<T>>();

  constructor(read: (key: string) => Promise<T>) {
    this.#read = read;
  }

  /** What stands under a key. */
  read(key: string): Promise<T> {
    const shared = this.#ofThisTurn.get(key);
    if (shared) return shared;
    // Before the client is asked, so that it comes before the client sends.
    if (this.#ofThisTurn.size === 0) setImmediate(() => this.#ofThisTurn.clear());
    const read = this.#read(key);
    this.#ofThisTurn.set(key, read);
    return read;
  }

  /** Something else is about to stand under a key: who asks from now on reads anew. */
  forget(key: string): void {
    this.#ofThisTurn.delete(key);
  }
}
