/** A Node callback, as express-session's stores and sessions take it. */
// biome-ignore lint/suspicious/noExplicitAny: express-session types its callbacks' errors so
export type Callback<T> = (error?: any, value?: T) => void;

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
