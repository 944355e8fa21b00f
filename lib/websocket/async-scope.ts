import { AsyncLocalStorage } from "node:async_hooks";

/** Calls functions in the async context in which it was taken, so that each AsyncLocalStorage has the store of then. */
export type AsyncScope = ReturnType<typeof AsyncLocalStorage.snapshot>;

/** Takes the async context that is current. */
export function currentScope(): AsyncScope {
  return AsyncLocalStorage.snapshot();
}
