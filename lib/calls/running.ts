/** Work that runs in the background, and whose end a caller can wait for. */
export class Running {
  readonly #all = new Set<Promise<void>>();

  /** Begins work, and returns its promise. The caller handles a failure. */
  track(work: () => Promise<void>): Promise<void> {
    const running = work().finally(() => this.#all.delete(running));
    this.#all.add(running);
    return running;
  }

  /** Resolves once all work that runs now has ended, whether it succeeds or fails. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}
