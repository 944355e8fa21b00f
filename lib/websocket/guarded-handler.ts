/** Whom failures of handlers are told. */
export interface Guard {
  fail(error: unknown): void;
}

type Guarded = (this: Guard, event: unknown) => void;

/** Handlers that cannot be kept weakly, such as `undefined`, are no handlers either: ws says so when it calls them. */
const guardedOf = new WeakMap<object, Guarded>();
const handlerOf = new WeakMap<object, unknown>();

/**
 * A handler of `addEventListener` whose rejection its WebSocket is told of. ws calls such handlers by a listener of its
 * own, which returns nothing, so that an EventEmitter, told to capture rejections, never sees theirs. Of one handler it
 * is always the same function, by which ws knows it again.
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

/** The handler that was guarded; or what is none, as it is. */
export function unguardedHandler(handler: unknown): unknown {
  return isObject(handler) ? (handlerOf.get(handler) ?? handler) : handler;
}

/** A callback of which the guard is told what it throws or rejects with. */
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

/** Tells of the rejection of whatever can reject: promises, and what is like them. */
function tellOfRejection(outcome: unknown, guard: Guard): void {
  try {
    const then = (outcome as PromiseLike<unknown> | null | undefined)?.then;
    if (typeof then === "function") then.call(outcome, undefined, (error: unknown) => guard.fail(error));
  } catch (error) {
    guard.fail(error);
  }
}

/** As ws tells handlers apart. */
function isHandlerObject(handler: object): handler is { handleEvent(event: unknown): unknown } {
  return typeof handler === "object" && Boolean((handler as { handleEvent?: unknown }).handleEvent);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
