/** As many calls as may wait for an answer at a time: well below what a backend is asked at most. */
const AT_A_TIME = 1000;

/** Does the same for each, some at a time. All of it is done; then the first failure, if there was one, is thrown. */
export async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let failure: PromiseRejectedResult | undefined;
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    const results = await Promise.allSettled(items.slice(from, from + AT_A_TIME).map(work));
    failure ??= results.find((result) => result.status === "rejected");
  }
  if (failure) throw failure.reason;
}
