/**
 * The listeners for one kind of news. All listeners hear the news in the same order, even if a listener causes the next
 * news. If a listener throws, the others are still called. Its error is reported as that of a page's event listener is.
 */
export class Listeners<News extends readonly unknown[]> extends Set<(...news: News) => unknown> {
  readonly #due: News[] = [];

  tell(...news: News): void {
    // If other news is being told now, this news is told after it.
    if (this.#due.push(news) > 1) return;
    for (const next of this.#due) {
      for (const listener of [...this]) {
        try {
          listener(...next);
        } catch (error) {
          report(error);
        }
      }
    }
    this.#due.length = 0;
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
