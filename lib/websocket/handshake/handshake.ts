import type { IncomingMessage } from "node:http";
import { Refusal } from "../admission/refusal.ts";

/** 16 bytes in base64 (RFC 6455, section 4.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/**
 * Whether a request wants a WebSocket. It names the protocol, or has a header of WebSockets alone and is a bad
 * handshake.
 */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  if (headers["sec-websocket-key"] !== undefined) return true;
  return (headers.upgrade ?? "").split(",").some((protocol) => protocol.trim().toLowerCase() === "websocket");
}

/**
 * Refuses an invalid WebSocket handshake (RFC 6455, section 4.2.1) before anything is spent on it.
 * ws would refuse it as well, but only after the session was loaded and `authorize` was asked.
 */
export function checkHandshake({
  method,
  url = "/",
  httpVersion,
  headers,
  rawHeaders,
}: IncomingMessage): void {
  if (method !== "GET") throw new Refusal(400, "A WebSocket handshake is a GET request");
  // An upgrade in another version is to be ignored (RFC 9110, section 7.8).
  if (httpVersion !== "1.1") throw new Refusal(400, "A WebSocket handshake is a request of HTTP 1.1");
  // Node does not check this. With two hosts, origins would be compared with the first.
  if (count("host", rawHeaders) !== 1) throw new Refusal(400, "A request has one Host header");
  // Node's url.parse, and so Express, would throw for such a target later.
  if (!url.startsWith("/") && !URL.canParse(url)) throw new Refusal(400, "Invalid request target");
  if (headers.upgrade?.toLowerCase() !== "websocket") throw new Refusal(400, "Invalid Upgrade header");
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) {
    throw new Refusal(400, "Missing or invalid Sec-WebSocket-Key header");
  }
  if (headers["sec-websocket-version"] !== "13") {
    throw new Refusal(400, "Missing or unsupported Sec-WebSocket-Version header", {
      "Sec-WebSocket-Version": "13",
    });
  }
}

/** The number of headers of a name. `rawHeaders` has names and values in turn. */
function count(name: string, rawHeaders: readonly string[]): number {
  let found = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === name) found++;
  return found;
}
