import type { Bounds } from "./bounds.ts";

/**
 * Makes a bounded call whose late answer is not dropped. If the answer comes after the call has timed out, `onLate`
 * receives it. `onLate` receives `undefined` if the call has failed.
 */
export function heardLate<T>(
  bounds: Bounds,
  call: () => Promise<T>,
  onLate: (answer: T | undefined) => void,
): Promise<T> {
  let answering: Promise<T> | undefined;
  const bounded = bounds.call(() => {
    answering = call();
    return answering;
  });
  bounded.catch(() => answering?.then(onLate, () => onLate(undefined)));
  return bounded;
}
