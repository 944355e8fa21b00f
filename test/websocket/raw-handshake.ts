import { randomBytes } from "node:crypto";
import type { Browser } from "../support/browser.ts";
import { cookieHeaders } from "../support/cookie-jar.ts";

type Headers = Record<string, string | undefined>;

/** The bytes of a handshake. A header whose value is `undefined` is left out. */
export function handshake(target = "/ws", headers: Headers = {}, method = "GET"): string {
  const all: Headers = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return `${[`${method} ${target} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`;
}

/** The cookie header of a visitor, for a handshake. */
export function cookieOf(browser: Browser): { Cookie: string | undefined } {
  return { Cookie: cookieHeaders(browser.cookies).cookie };
}

export interface Answer {
  status: number;
  /** The raw header lines, without the status line. */
  lines: string[];
  headers: Headers;
  body: string;
}

/** Parses the received bytes of one response. */
export function answerIn(bytes: string): Answer {
  const end = bytes.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = bytes.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
  return {
    status: Number(/^HTTP\/1\.1 (\d+) \S/.exec(statusLine)?.[1]),
    lines,
    headers,
    body: bytes.slice(end + 4),
  };
}

/** The Set-Cookie lines of an answer, by their cookies' names. */
export function cookieNames({ lines }: Answer): string[] {
  return lines.flatMap((line) => /^set-cookie: ([^=]+)=/i.exec(line)?.[1] ?? []);
}

/** A client frame, masked with zeros (RFC 6455, section 5.2). The default is a whole text message. */
export function frame(text: string, { opcode = 1, isFinal = true } = {}): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new RangeError("frame is for short texts");
  const first = (isFinal ? 0x80 : 0) | opcode;
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
