/** As many calls as may wait for an answer at a time: well below what a backend is asked at most. */
const AT_A_TIME = 1000;

/** Does the same for each, some at a time. All of it is done; then the first failure, if there was one, is thrown. */
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

/** The items in lists of at most so many. */
export function* chunks<T>(items: readonly T[], length: number): Iterable<T[]> {
  for (let from = 0; from < items.length; from += length) yield items.slice(from, from + length);
}
