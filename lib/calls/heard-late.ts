import type { Bounds } from "./bounds.ts";

/**
 * A bounded call whose answer is heard also when nobody waits for it any more: `onLate` is called with it then, or with
 * nothing if it has failed.
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
