/** The promise callbacks of one item in a batch. */
export interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

/** Gathers the items of one turn of the event loop, and hands them to the backend together. */
export class TurnBatch<T extends Waiting<never>> {
  readonly #flush: (items: readonly T[]) => Promise<void>;
  #items: T[] = [];

  /** `flush` settles each item of the batch. If `flush` rejects, all items are rejected. */
  constructor(flush: (items: readonly T[]) => Promise<void>) {
    this.#flush = flush;
  }

  add(item: T): void {
    // nextTick runs after all promises that are settled by now have continued, so the batch has the items that they add.
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
