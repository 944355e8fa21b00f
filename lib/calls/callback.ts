/** A Node callback, as express-session's stores and sessions take it. */
// biome-ignore lint/suspicious/noExplicitAny: express-session types its callbacks' errors so
export type Callback<T> = (error?: any, value?: T) => void;

const ofAdapter = new WeakSet<object>();

/** Notes that a store is asked with this callback by the stack itself, not by the app. */
export function markOfAdapter(callback: object): void {
  ofAdapter.add(callback);
}

/** Whether the stack itself has asked with this callback, also where a store hands it on to itself. */
export function isOfAdapter(callback: object): boolean {
  return ofAdapter.has(callback);
}

/** A promise that says that something is done, and no more. */
export function done(promise: Promise<unknown>): Promise<void> {
  return promise.then(() => {});
}

/**
 * Answers a callback with a promise's outcome, outside of the promise: what the callback throws is
 * thrown for all to see, and does not come back as a rejection.
 */
export function callBack<T>(promise: Promise<T>, callback: Callback<T> | undefined): void {
  promise.then(
    (value) => callback && setImmediate(callback, null, value),
    (error) => callback && setImmediate(callback, error),
  );
}

/** Answers a callback, or by the promise itself if there is none, as connect-redis does. */
export function answered<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (!callback) return promise;
  callBack(promise, callback);
  return undefined as unknown as Promise<T>;
}
