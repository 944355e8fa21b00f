/** Work that goes on by itself, and that somebody may want to see done. */
export class Running {
  readonly #all = new Set<Promise<void>>();

  /** Begins some, and gives it to who handles its failure. */
  track(work: () => Promise<void>): Promise<void> {
    const running = work().finally(() => this.#all.delete(running));
    this.#all.add(running);
    return running;
  }

  /** Resolves once all that runs now has ended, however. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}
