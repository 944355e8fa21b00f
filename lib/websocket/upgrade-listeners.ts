import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";

/** The `handleUpgrade` functions of this package, with what each says of a request's path. */
const handlers = new WeakMap<object, (req: IncomingMessage) => boolean>();

/** Makes a `handleUpgrade` known, so that several on one server can tell who answers. */
export function registerHandler(handleUpgrade: object, isMine: (req: IncomingMessage) => boolean): void {
  handlers.set(handleUpgrade, isMine);
}

/**
 * Whether a request for another path is this handler's to refuse: nobody else listens to the server's
 * upgrades, or only handlers of this package, none of them wants it, and this one is the first.
 */
export function isOursToRefuse(handleUpgrade: object, req: IncomingMessage): boolean {
  const server = (req.socket as unknown as { server?: EventEmitter }).server;
  const listeners: object[] = server?.listeners("upgrade") ?? [];
  // Called by the app's own listener, which thereby has handed the request over.
  if (!listeners.includes(handleUpgrade)) return true;
  if (listeners.some((listener) => handlers.get(listener)?.(req) ?? true)) return false;
  return listeners[0] === handleUpgrade;
}
