/**
 * Who listens for one thing. All hear it in the same order, also when one of them causes the next; one that throws stops
 * nobody, and its error is reported as that of an event listener of the page is.
 */
export class Listeners<News extends readonly unknown[]> {
  readonly #listeners = new Set<(...news: News) => unknown>();
  readonly #due: News[] = [];

  /** Whether nobody listens. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  add(listener: (...news: News) => unknown): void {
    this.#listeners.add(listener);
  }

  delete(listener: (...news: News) => unknown): void {
    this.#listeners.delete(listener);
  }

  tell(...news: News): void {
    // With news that is being told, this is told after it.
    if (this.#due.push(news) > 1) return;
    for (let next = this.#due[0]; next; next = this.#due[0]) {
      for (const listener of [...this.#listeners]) {
        try {
          listener(...next);
        } catch (error) {
          report(error);
        }
      }
      this.#due.shift();
    }
  }
}

function report(error: unknown): void {
  const { reportError } = globalThis as { reportError?: (error: unknown) => void };
  if (reportError) reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}
