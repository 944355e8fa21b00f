import { AsyncLocalStorage } from "node:async_hooks";

/** Calls functions in the captured async context, in which each AsyncLocalStorage has the store of that moment. */
export type AsyncScope = ReturnType<typeof AsyncLocalStorage.snapshot>;

/** Captures the current async context. */
export function currentScope(): AsyncScope {
  return AsyncLocalStorage.snapshot();
}
