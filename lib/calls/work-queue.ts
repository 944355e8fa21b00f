/** Does the same work for many items, for a bounded number of them at a time. The others wait in order. */
export class WorkQueue<Item> {
  readonly #atATime: number;
  readonly #work: (item: Item) => Promise<void>;
  readonly #start: (worker: () => Promise<void>) => unknown;
  readonly #waiting = new Set<Item>();
  #workers = 0;

  /** `work` never rejects. `start` runs a worker, which resolves when nothing waits any more. */
  constructor(
    atATime: number,
    work: (item: Item) => Promise<void>,
    start: (worker: () => Promise<void>) => unknown = (worker) => worker(),
  ) {
    this.#atATime = atATime;
    this.#work = work;
    this.#start = start;
  }

  /** Has an item worked on: once, however often it is added while it waits. */
  add(item: Item): void {
    this.#waiting.add(item);
    if (this.#workers < this.#atATime) void this.#start(() => this.#takeAll());
  }

  async #takeAll(): Promise<void> {
    this.#workers++;
    for (const item of this.#waiting) {
      this.#waiting.delete(item);
      await this.#work(item);
    }
    this.#workers--;
  }
}
