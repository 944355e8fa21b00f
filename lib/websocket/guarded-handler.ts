/** Receives the failures of handlers. */
export interface Guard {
  fail(error: unknown): void;
}

type Guarded = (this: Guard, event: unknown) => void;

/**
 * The guarded function by handler. A value that cannot be a weak key, such as `undefined`, is no handler. ws throws
 * when it calls it.
 */
const guardedOf = new WeakMap<object, Guarded>();
const handlerOf = new WeakMap<object, unknown>();

/**
 * Wraps a handler of `addEventListener` so that its WebSocket receives its rejection. ws calls such handlers by a listener
 * of its own that returns nothing, so EventEmitter cannot capture their rejections. A handler always gets the same
 * wrapper, by which ws recognises it.
 */
export function guardedHandler<Handler>(handler: Handler): Handler {
  if (!isObject(handler)) return handler;
  let guarded = guardedOf.get(handler);
  if (!guarded) {
    guarded = function guarded(event) {
      const done = isHandlerObject(handler)
        ? handler.handleEvent(event)
        : Reflect.apply(handler as (event: unknown) => unknown, this, [event]);
      tellOfRejection(done, this);
    };
    guardedOf.set(handler, guarded);
    handlerOf.set(guarded, handler);
  }
  return guarded as Handler;
}

/** The handler inside a guarded one. Any other value is returned as it is. */
export function unguardedHandler(handler: unknown): unknown {
  return isObject(handler) ? (handlerOf.get(handler) ?? handler) : handler;
}

/** Wraps a callback so that the guard receives its errors, thrown or rejected. */
export function guardedCallback<Callback>(callback: Callback, guard: Guard): Callback {
  if (typeof callback !== "function") return callback;
  return ((...given: unknown[]) => {
    try {
      tellOfRejection(callback(...given), guard);
    } catch (error) {
      guard.fail(error);
    }
  }) as Callback;
}

/** Reports the rejection of a promise or thenable to the guard. */
function tellOfRejection(outcome: unknown, guard: Guard): void {
  try {
    const then = (outcome as PromiseLike<unknown> | null | undefined)?.then;
    if (typeof then === "function") then.call(outcome, undefined, (error: unknown) => guard.fail(error));
  } catch (error) {
    guard.fail(error);
  }
}

/** Whether a handler is an object with `handleEvent`, by the check that ws uses. */
function isHandlerObject(handler: object): handler is { handleEvent(event: unknown): unknown } {
  return typeof handler === "object" && Boolean((handler as { handleEvent?: unknown }).handleEvent);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
