import { kindOf } from "./options-object.ts";

/** Whether this is what a server gives to a middleware or a listener first. */
export function isRequest(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { method, url, headers, socket } = value as Record<string, unknown>;
  return typeof method === "string" && typeof url === "string" && isObject(headers) && isObject(socket);
}

/** Whether a factory of options is called as a middleware or a listener: `app.use(factory)` where `app.use(factory())` was meant. */
export function isCalledByServer(args: readonly unknown[]): boolean {
  return isRequest(args[0]) || (args.length > 1 && typeof args.at(-1) === "function");
}

/**
 * Tells a server that what it has called is no middleware and no listener: by `next`, if it has given one, which is an
 * answer of the app's error handling wherever it comes from. Else it throws, and no line is left waiting.
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
 * A function of a request that answers by a promise, and that is no middleware. A server that is given it as one would
 * call it with a response and `next`, and wait for ever.
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

/** @throws {TypeError} unless this is a request, or has what is needed of one. */
export function assertRequest(name: string, value: unknown, place: string): void {
  if (isObject(value) && ("headers" in (value as object) || "sessionID" in (value as object))) return;
  throw new TypeError(`${name}: the ${place} must be the request, not ${kindOf(value)}`);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
