import { kindOf } from "./options-object.ts";

/** Whether a value is a request, which a server passes first to a middleware or a listener. */
export function isRequest(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { method, url, headers, socket } = value as Record<string, unknown>;
  return typeof method === "string" && typeof url === "string" && isObject(headers) && isObject(socket);
}

/**
 * Whether a server calls a factory as a middleware or a listener, because `app.use(factory)` was written instead of
 * `app.use(factory())`.
 */
export function isCalledByServer(args: readonly unknown[]): boolean {
  return isRequest(args[0]) || (args.length > 1 && typeof args.at(-1) === "function");
}

/**
 * Tells a server that it has called something that is no middleware and no listener. If the server has passed `next`,
 * the error goes there, so that the app's error handling answers. Otherwise the connection is destroyed and the error
 * is thrown, so that no client waits.
 */
export function refuseCall(message: string, args: readonly unknown[]): void {
  const error = new TypeError(message);
  const next = args.at(-1);
  if (typeof next === "function") {
    next(error);
    return;
  }
  const [, line] = args as { destroy?: () => void }[];
  line?.destroy?.();
  throw error;
}

/**
 * Wraps a function of a request that returns a promise and is no middleware. A server that got it as a middleware
 * would call it with a response and `next`, and wait for ever.
 */
export function noMiddleware<F extends (...args: never[]) => Promise<unknown>>(name: string, run: F): F {
  return ((...args: unknown[]) => {
    const isMiddleware = args.length > 2 && isRequest(args[0]) && typeof args[2] === "function";
    if (!isMiddleware) return run(...(args as never[]));
    return refuseCall(
      `${name}: it is no middleware; call it in one, as async (req, res) => { await ${name}(…); res.end(); }`,
      args,
    );
  }) as unknown as F;
}

/** @throws {TypeError} unless the value is a request, or has the needed members of one. */
export function assertRequest(name: string, value: unknown, place: string): void {
  if (isObject(value) && ("headers" in (value as object) || "sessionID" in (value as object))) return;
  throw new TypeError(`${name}: the ${place} must be the request, not ${kindOf(value)}`);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
