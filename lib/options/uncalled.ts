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

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
