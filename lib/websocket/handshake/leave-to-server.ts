import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { destroyIt } from "../admission/refusal.ts";
import { answerUnfinished, keptHeaders } from "./unfinished-request.ts";
import { serverOf } from "./upgrade-listeners.ts";

/** How many headers Node keeps of a request, unless the server says so. */
const NODE_MAX_HEADERS = 1000;

/** Whether Node reads the body of an upgrade request itself. Before version 26 it left the body on the line. */
const READS_BODIES = Number.parseInt(process.versions.node, 10) >= 26;

/**
 * Gives a request for another protocol, such as `h2c`, back to its server. The server answers it without the upgrade (RFC
 * 9110, section 7.8: a server may ignore it). With an upgrade listener, Node hands over every such request. So the line
 * goes to the server again, with the request in it. Returns `false` if the server answers no requests, or if the request
 * may be incomplete.
 */
export function leaveToServer(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  const server = serverOf(req, socket) as Server | undefined;
  if (!server || server.listenerCount("request") === 0 || mayBeCut(req, server)) return false;
  // Node gives another stream than the line while it still reads the body from the line.
  if (READS_BODIES && socket !== req.socket) {
    // An error of the line without a listener would end the process.
    socket.on("error", destroyIt);
    whenAnswered(server, req.socket, () => answerUnfinished(server, req));
    return true;
  }
  const body = READS_BODIES ? bodyAsSent(req) : Buffer.alloc(0);
  if (!body) return false;
  whenAnswered(server, socket, () => {
    socket.unshift(Buffer.concat([requestHead(req), body, head]));
    server.emit("encrypted" in socket ? "secureConnection" : "connection", socket);
  });
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

/** Waits until the earlier requests of a line are answered. Their answers would otherwise hold this one up for ever. */
function whenAnswered(server: Server, line: Duplex, go: () => void): void {
  const earlier = (line as { _httpMessage?: ServerResponse | null })._httpMessage;
  if (!earlier) {
    if (!line.destroyed) go();
    return;
  }
  line.on("error", destroyIt);
  earlier.once("close", () => {
    // The client has left, which may be an error that is still to come, or the answer has ended the line.
    if (line.destroyed || line.writableEnded) return;
    line.off("error", destroyIt);
    // After an answer Node lets the line wait only as long as an idle one may.
    (line as Partial<Socket>).setTimeout?.(server.timeout || 0);
    whenAnswered(server, line, go);
  });
}

/** The head as it came, without the headers that ask for an upgrade. */
function requestHead(req: IncomingMessage): Buffer {
  return bytes(`${req.method} ${req.url} HTTP/${req.httpVersion}\r\n${linesOf(keptHeaders(req))}\r\n`);
}

/**
 * The body that Node has read, encoded again as the headers say. Returns `undefined` if it is not the whole body, because
 * somebody else has read some of it. A following request would then be read as the rest of the body.
 */
function bodyAsSent(req: IncomingMessage): Buffer | undefined {
  if (req.readableDidRead || req.readableEncoding !== null) return undefined;
  const parts: Buffer[] = [];
  for (let part = req.read(); part !== null; part = req.read()) parts.push(part);
  const body = Buffer.concat(parts);
  const { "transfer-encoding": coding, "content-length": length = 0 } = req.headers;
  if (coding === undefined) return body.length === Number(length) ? body : undefined;
  const chunk = body.length > 0 ? [bytes(`${body.length.toString(16)}\r\n`), body, bytes("\r\n")] : [];
  const trailers: [string, string][] = [];
  for (let at = 0; at < req.rawTrailers.length; at += 2)
    trailers.push([req.rawTrailers[at] as string, req.rawTrailers[at + 1] as string]);
  return Buffer.concat([...chunk, bytes(`0\r\n${linesOf(trailers)}\r\n`)]);
}

function linesOf(headers: readonly (readonly [string, string])[]): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** Node has read each byte of a head as one character. */
function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
