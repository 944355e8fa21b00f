import { IncomingMessage, type Server, ServerResponse } from "node:http";
import { closeSoon } from "../admission/answer.ts";

/** Headers that are about one line (RFC 9110, section 7.8; RFC 7540, section 3.2.1). */
const OF_THE_UPGRADE: ReadonlySet<string> = new Set(["upgrade", "http2-settings"]);

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/**
 * Has a server answer a request for another protocol whose body has not come yet, without the upgrade. Node has the line
 * until it has read the body, so the line cannot go to the server again. The answer ends the line: what stands behind the
 * body is never read, and so cannot be taken for a request.
 */
export function answerUnfinished(server: Server, message: IncomingMessage): void {
  const line = message.socket;
  const req = requestWithoutUpgrade(message);
  const res = new ServerResponse(req);
  res.setHeader("Connection", "close");
  res.assignSocket(line);
  res.once("finish", () => closeSoon(line));
  res.once("close", () => {
    // The client has left. Node tells this only of requests that it has given to the server itself.
    if (!res.writableFinished) req.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
  });
  emitRequest(server, req, res);
}

/** Emits a request as the server does, which checks `Host` and `Expect` only of requests without an upgrade. */
function emitRequest(server: Server, req: IncomingMessage, res: ServerResponse): void {
  const { host, expect } = req.headers;
  const { requireHostHeader = true } = server as { requireHostHeader?: boolean };
  if (req.httpVersion !== "1.1") {
    server.emit("request", req, res);
  } else if (host === undefined && requireHostHeader) {
    res.writeHead(400).end();
  } else if (expect === undefined) {
    server.emit("request", req, res);
  } else if (CONTINUE.test(expect)) {
    if (server.emit("checkContinue", req, res)) return;
    res.writeContinue();
    server.emit("request", req, res);
  } else if (!server.emit("checkExpectation", req, res)) {
    res.writeHead(417).end();
  }
}

/**
 * A request of its own, with the body as it comes. The one of the upgrade stays marked as an upgrade, for Node; parsers
 * of Express take the body of such a request for read.
 */
function requestWithoutUpgrade(message: IncomingMessage): IncomingMessage {
  const { method, url, httpVersion, httpVersionMajor, httpVersionMinor } = message;
  const req = new IncomingMessage(message.socket);
  Object.assign(req, { method, url, httpVersion, httpVersionMajor, httpVersionMinor });
  req.rawHeaders = keptHeaders(message).flat();
  req.headers = { ...message.headers };
  req.headersDistinct = { ...message.headersDistinct };
  for (const name of OF_THE_UPGRADE) {
    delete req.headers[name];
    delete req.headersDistinct[name];
  }
  req.headers.connection = withoutUpgrade(message.headers.connection ?? "");
  req.headersDistinct.connection = [req.headers.connection];

  req._read = () => void message.resume();
  message.on("data", (chunk) => {
    if (!req.push(chunk)) message.pause();
  });
  message.on("end", () => {
    req.complete = true;
    const { rawTrailers, trailers, trailersDistinct } = message;
    Object.assign(req, { rawTrailers, trailers, trailersDistinct });
    req.push(null);
  });
  return req;
}

/** The headers as they came, without those that ask for an upgrade. */
export function keptHeaders({ rawHeaders }: IncomingMessage): [name: string, value: string][] {
  const kept: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] as string, rawHeaders[at + 1] as string];
    if (OF_THE_UPGRADE.has(name.toLowerCase())) continue;
    kept.push([name, name.toLowerCase() === "connection" ? withoutUpgrade(value) : value]);
  }
  return kept;
}

function withoutUpgrade(connection: string): string {
  return connection
    .split(",")
    .map((option) => option.trim())
    .filter((option) => !OF_THE_UPGRADE.has(option.toLowerCase()))
    .join(", ");
}
