/** A Node callback, as express-session's stores and sessions accept it. */
// biome-ignore lint/suspicious/noExplicitAny: express-session types its callbacks' errors so
export type Callback<T> = (error?: any, value?: T) => void;

const ofAdapter = new WeakSet<object>();

/** Marks a callback with which the stack itself, not the app, asks a store. */
export function markOfAdapter(callback: object): void {
  ofAdapter.add(callback);
}

/** Whether a callback comes from the stack itself. This also holds where a store passes the callback on to itself. */
export function isOfAdapter(callback: object): boolean {
  return ofAdapter.has(callback);
}

/** Returns a promise without the value of the given one. */
export function done(promise: Promise<unknown>): Promise<void> {
  return promise.then(() => {});
}

/**
 * Passes a promise's outcome to a callback, outside of the promise. An error that the callback throws becomes an
 * uncaught exception and not a rejection.
 */
export function callBack<T>(promise: Promise<T>, callback: Callback<T> | undefined): void {
  promise.then(
    (value) => callback && setImmediate(callback, null, value),
    (error) => callback && setImmediate(callback, error),
  );
}

/** Passes the outcome to the callback, or returns the promise if there is no callback, as connect-redis does. */
export function answered<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (!callback) return promise;
  callBack(promise, callback);
  return undefined as unknown as Promise<T>;
}

/** Calls a function that answers through a callback, now or later, or that throws. Resolves to its answer. */
export function answerOf<T = void>(call: (done: Callback<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const done: Callback<T> = (error, value) => (error ? reject(error) : resolve(value as T));
    markOfAdapter(done);
    // Some stores also return a promise, which may reject without any callback.
    Promise.resolve(call(done)).catch(reject);
  });
}
