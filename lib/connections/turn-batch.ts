/** Waits for its part of what is asked for at once. */
export interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

/** Gathers what is asked for in one turn of the event loop, so that it is asked of the backend at once. */
export class TurnBatch<T extends Waiting<never>> {
  readonly #flush: (items: readonly T[]) => Promise<void>;
  #items: T[] = [];

  /** `flush` answers each of what was gathered; if it fails, all of it has. */
  constructor(flush: (items: readonly T[]) => Promise<void>) {
    this.#flush = flush;
  }

  add(item: T): void {
    // A tick of Node's comes once all promises have gone on that are settled by now: so all that they lead to is in it.
    if (this.#items.push(item) === 1) process.nextTick(this.#end);
  }

  readonly #end = (): void => {
    const items = this.#items;
    this.#items = [];
    this.#flush(items).catch((error) => {
      for (const { reject } of items) reject(error);
    });
  };
}
