import type { Request } from "express";
import type { WebSocketConfig } from "../web-socket-options.ts";

/** A name of a subprotocol (RFC 6455, section 4.1; RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The subprotocol of a connection, or `false` for none. `handleProtocols` chooses it; without that it is the first that the
 * client offers, as with ws. No error contains the offered names, because some clients send a token there.
 *
 * @throws {TypeError} if the function returns a value that is neither an offered protocol nor falsy.
 */
export function chosenProtocol({ handleProtocols }: WebSocketConfig, req: Request): string | false {
  const offered = offeredProtocols(req.headers["sec-websocket-protocol"]);
  const [first] = offered;
  if (first === undefined) return false;
  if (!handleProtocols) return first;
  const chosen: unknown = handleProtocols(new Set(offered), req);
  if (!chosen) return false;
  if (typeof chosen === "string" && offered.has(chosen)) return chosen;
  // Nobody else handles the rejection.
  if (typeof Object(chosen).then === "function") Promise.resolve(chosen).catch(() => {});
  throw new TypeError(
    'webSocketSessions: option "handleProtocols" must answer at once, with one of the protocols it is given or with false',
  );
}

/** The protocols that a client offers, in its order. The set is empty for a header that ws will refuse. */
function offeredProtocols(header = ""): Set<string> {
  const names = header.split(",").map((name) => name.trim());
  const offered = new Set(names);
  return offered.size === names.length && names.every((name) => TOKEN.test(name)) ? offered : new Set();
}
