/** How many calls may be unanswered at a time: well below the limit of a backend. */
const AT_A_TIME = 1000;

/**
 * Does the same work for each item, some at a time. The first failure, if there is one, is thrown after all items are
 * done.
 */
export async function inBatches<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  atATime: number = AT_A_TIME,
): Promise<void> {
  let failure: PromiseRejectedResult | undefined;
  for (const some of chunks(items, atATime)) {
    const results = await Promise.allSettled(some.map(work));
    failure ??= results.find((result) => result.status === "rejected");
  }
  if (failure) throw failure.reason;
}

/** Splits the items into lists of at most `length`. */
export function* chunks<T>(items: readonly T[], length: number): Iterable<T[]> {
  for (let from = 0; from < items.length; from += length) yield items.slice(from, from + length);
}
