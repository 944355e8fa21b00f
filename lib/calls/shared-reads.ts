/**
 * Shares one read among all callers that ask for a key in one turn of the event loop. The Redis clients send the
 * commands of a turn when it ends. So a caller that joins a read has asked before it is sent, and its value is no
 * older than that of a read of its own.
 */
export class SharedReads<T> {
  readonly #read: (key: string) => Promise<T>;
  readonly #ofThisTurn = new Map<string, Promise<T>>();

  constructor(read: (key: string) => Promise<T>) {
    this.#read = read;
  }

  /** Reads the value of a key. */
  read(key: string): Promise<T> {
    const shared = this.#ofThisTurn.get(key);
    if (shared) return shared;
    // This is scheduled before the client is asked, so that it runs before the client sends.
    if (this.#ofThisTurn.size === 0) setImmediate(() => this.#ofThisTurn.clear());
    const read = this.#read(key);
    this.#ofThisTurn.set(key, read);
    return read;
  }

  /** Makes later callers read again, because the key is about to change. */
  forget(key: string): void {
    this.#ofThisTurn.delete(key);
  }
}
