import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { serverOf } from "./upgrade-listeners.ts";

/** Headers that are about one line (RFC 9110, section 7.8; RFC 7540, section 3.2.1). */
const OF_THE_UPGRADE: ReadonlySet<string> = new Set(["upgrade", "http2-settings"]);

/** How many headers Node keeps of a request, unless the server says so. */
const NODE_MAX_HEADERS = 1000;

/**
 * Gives a request for another protocol, such as `h2c`, back to its server. The server answers it without the upgrade (RFC
 * 9110, section 7.8: a server may ignore it). With an upgrade listener, Node hands over every such request without reading
 * its body. So the line goes to the server again, with the request in it. Returns `false` if the server answers no
 * requests, or if the request may be incomplete.
 */
export function leaveToServer(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  const server = serverOf(socket);
  if (!server || server.listenerCount("request") === 0 || mayBeCut(req, server as Server)) return false;
  socket.unshift(Buffer.concat([requestHead(req), head]));
  server.emit("encrypted" in socket ? "secureConnection" : "connection", socket);
  return true;
}

/**
 * Whether Node may have left headers out because there are too many. One of them may give the length of the body. Without
 * it the body would be read as requests that nobody has sent.
 */
function mayBeCut({ rawHeaders }: IncomingMessage, { maxHeadersCount }: Server): boolean {
  const most = maxHeadersCount ?? NODE_MAX_HEADERS;
  return most > 0 && rawHeaders.length >= 2 * most;
}

/** The head as it came, without the headers that ask for an upgrade. */
function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] as string, rawHeaders[at + 1] as string];
    if (OF_THE_UPGRADE.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === "connection" ? withoutUpgrade(value) : value}`);
  }
  // Node has read each byte as one character.
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function withoutUpgrade(connection: string): string {
  return connection
    .split(",")
    .map((option) => option.trim())
    .filter((option) => !OF_THE_UPGRADE.has(option.toLowerCase()))
    .join(", ");
}
