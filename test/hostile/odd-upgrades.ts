import fc, { type Arbitrary } from "fast-check";
import { frame } from "../websocket/raw-handshake.ts";
import { oddCookies } from "./odd-cookies.ts";
import { latin1, mostly, oddNames, oddValues } from "./odd-text.ts";

/** A handshake as it is sent, which may be right, or wrong in some ways. */
export interface OddUpgrade {
  readonly bytes: Buffer;
  /** How many writes it comes in. */
  readonly pieces: number;
  readonly isHead: boolean;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The header lines of a right handshake, each of which may be missing, doubled, odd or another. */
function header(name: string, value: string, others: readonly string[]): Arbitrary<string[]> {
  const line = `${name}: ${value}`;
  const odd = fc.oneof(
    fc.constantFrom<string[]>(
      [],
      [line, line],
      [`${name.toLowerCase()}:${value}`],
      [`${name} : ${value}`],
      [` ${line}`],
      [`${name}:\t${value} \t`],
      [`${name}:\r\n ${value}`],
      [`${name}: ${value}\r\n\t, more`],
      [`${name}: ${value}\0`],
      [`${name}\0: ${value}`],
      [name],
      [`${name}:`],
    ),
    fc.constantFrom(...others).map((other) => [`${name}: ${other}`]),
    fc.constantFrom(...others).map((other) => [line, `${name}: ${other}`]),
    oddValues.map((other) => [`${name}: ${other}`]),
  );
  return mostly([line], odd);
}

const methods = mostly(
  "GET",
  fc.oneof(
    fc.constantFrom(
      "POST",
      "HEAD",
      "OPTIONS",
      "CONNECT",
      "PUT",
      "get",
      "GETT",
      "",
      " GET",
      "PRI",
      "TRACE",
      "M-SEARCH",
    ),
    oddNames,
  ),
);
const targets = mostly(
  "/ws",
  fc.oneof(
    fc.constantFrom(
      "/ws?",
      "/ws?a=b&a[__proto__]=c",
      "/ws?%",
      "/ws/",
      "/WS",
      "//ws",
      "/w%73",
      "/ws#x",
      "*",
      "",
    ),
    fc.constantFrom(
      "http://127.0.0.1/ws",
      "http://evil.example/ws",
      "ws://a@b:c/ws",
      "http://[",
      "ftp://x/ws",
      "x:/ws",
    ),
    fc.constantFrom(
      `/ws?${"a".repeat(20_000)}`,
      "/ws\u00e9",
      "/ws\t",
      "/ws /ws",
      "/\0",
      "/ws?\x7f",
      "evil.example:443",
    ),
    oddValues,
  ),
);
const versions = mostly(
  "HTTP/1.1",
  fc.constantFrom(
    "HTTP/1.0",
    "HTTP/2.0",
    "HTTP/0.9",
    "HTTP/1.10",
    "http/1.1",
    "HTTP/1",
    "",
    "HTTP/1.1 ",
    "ICE/1.0",
  ),
);
const bodies = fc.constantFrom(
  ["Content-Length: 5"],
  ["Content-Length: 0"],
  ["Content-Length: -1"],
  ["Content-Length: 5", "Content-Length: 6"],
  ["Content-Length: 99999999999999999999"],
  ["Transfer-Encoding: chunked"],
  ["Transfer-Encoding: gzip, chunked"],
  ["Transfer-Encoding: chunked", "Content-Length: 5"],
  ["Expect: 100-continue"],
  ["Trailer: Host"],
);
const extras = mostly<readonly string[]>(
  [],
  fc.oneof(
    bodies,
    fc.array(
      fc.tuple(oddNames, oddValues).map(([name, value]) => `${name}: ${value}`),
      { maxLength: 3 },
    ),
    fc.constantFrom(1_100, 3_000).map((count) => Array.from({ length: count }, () => "a:b")),
    fc.constantFrom(
      ["Sec-WebSocket-Protocol: chat, ,chat"],
      ["Sec-WebSocket-Protocol: __proto__"],
      [`Sec-WebSocket-Protocol: ${"p,".repeat(1_000)}p`],
      ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99"],
      ["Sec-WebSocket-Extensions: permessage-deflate", 'Sec-WebSocket-Extensions: x;y="z'],
      ["X-Forwarded-Host: evil.example", "Origin: https://evil.example"],
      ["X-Forwarded-For: \u00ff", "X-Forwarded-Proto: javascript"],
    ),
  ),
);
const handshakes = fc
  .tuple(
    fc.tuple(methods, targets, versions).map((parts) => parts.join(" ")),
    header("Host", "127.0.0.1", [
      "",
      "evil.example",
      "127.0.0.1:99999",
      "a b",
      "[",
      "undefined",
      "127.0.0.1, evil",
    ]),
    header("Connection", "Upgrade", [
      "keep-alive",
      "close",
      "upgrade, close",
      "keep-alive, Upgrade",
      "upgrade;x",
    ]),
    header("Upgrade", "websocket", ["h2c", "WebSocket", "websocket, h2c", "websocket/13", "TLS/1.0", "foo"]),
    header("Sec-WebSocket-Key", KEY, [
      "",
      "AAAA",
      `${KEY},${KEY}`,
      "!".repeat(24),
      "dGhlIHNhbXBsZSBub25jZQ=!",
    ]),
    header("Sec-WebSocket-Version", "13", ["8", "7, 13", "013", "13.0", "+13", "99999999999999999999"]),
    header("Origin", "http://127.0.0.1", [
      ...[
        "null",
        "https://evil.example",
        "https://app.example.com",
        "https://app.example.com.evil.example",
        "http://",
      ],
      ...[
        "http://undefined",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1:80",
        "https://127.0.0.1",
        "file://",
      ],
      ...[
        "http://evil.example/127.0.0.1",
        "http://evil.example#127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1",
        "http://127.1",
      ],
    ]),
    extras,
    oddCookies,
  )
  .map(([first, ...headers]) => [first, ...headers.flat()]);

const RIGHT = [
  "GET /ws HTTP/1.1",
  ...["Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"],
  ...[`Sec-WebSocket-Key: ${KEY}`, "Sec-WebSocket-Version: 13"],
];
/** What comes behind the handshake. */
const tails = mostly(
  "",
  fc.oneof(
    fc.constantFrom(
      "\r\n",
      "hello",
      "0\r\n\r\n",
      "GET /me HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ),
    fc
      .constantFrom(frame("hi"), frame("", { opcode: 8 }), frame("x", { opcode: 3 }))
      .map((bytes) => bytes.toString("latin1")),
    fc.constant(`${RIGHT.join("\r\n")}\r\n\r\n`),
    fc.constant(`POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nless`),
    latin1,
  ),
);

/** What is done to the bytes themselves. */
const edits = mostly<{ at: number; put: string; take: number }[]>(
  [],
  fc.array(fc.record({ at: fc.nat(600), put: latin1, take: fc.nat(3) }), { minLength: 1, maxLength: 3 }),
);

export const oddUpgrades: Arbitrary<OddUpgrade> = fc
  .record({
    lines: handshakes,
    newline: mostly("\r\n", fc.constantFrom("\n", "\r", "\n\r", "\r\r\n")),
    end: mostly("\r\n\r\n", fc.constantFrom("", "\r\n", "\n\n", "\r\n\r", "\r\n \r\n")),
    tail: tails,
    edits,
    pieces: mostly(1, fc.integer({ min: 2, max: 5 })),
  })
  .map(({ lines, newline, end, tail, edits, pieces }) => {
    let text = `${lines.join(newline)}${end}${tail}`;
    for (const { at, put, take } of edits) text = `${text.slice(0, at)}${put}${text.slice(at + take)}`;
    return { bytes: Buffer.from(text, "latin1"), pieces, isHead: /^\s*HEAD/.test(text) };
  });
