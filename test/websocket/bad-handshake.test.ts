import { randomBytes } from "node:crypto";
import { rawRequest, rawSocket, resetSocket } from "../support/raw-socket.ts";
import { type Answer, answerIn, cookieOf, handshake } from "./raw-handshake.ts";
import { ask, type Served, serve, signIn, versions } from "./support.ts";

let served: Served;

beforeEach(async () => {
  served = await serve();
});

/** Asserts that the server still works, has opened no connection and has reported no error. */
async function expectUnharmed(): Promise<void> {
  expect(served.opened).toEqual([]);
  expect(served.errors).toEqual([]);
  const ws = await (await signIn(served)).webSocket("/ws");
  expect(await ask(ws, "get")).toEqual({ name: "Ada" });
}

/** The answer to bytes. It must be a complete response, and the line must end after it. */
async function refusalOf(bytes: string): Promise<Answer> {
  const received = await rawRequest(served.port, bytes);
  expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  const answer = answerIn(received);
  expect(answer.headers.connection).toBe("close");
  expect(Number(answer.headers["content-length"])).toBe(Buffer.byteLength(answer.body, "latin1"));
  return answer;
}

test.each<[string, Record<string, string | undefined>, string]>([
  ["no Sec-WebSocket-Key", { "Sec-WebSocket-Key": undefined }, "Sec-WebSocket-Key"],
  ["an empty Sec-WebSocket-Key", { "Sec-WebSocket-Key": "" }, "Sec-WebSocket-Key"],
  ["a key of 15 bytes", { "Sec-WebSocket-Key": randomBytes(15).toString("base64") }, "Sec-WebSocket-Key"],
  ["a key of 17 bytes", { "Sec-WebSocket-Key": randomBytes(17).toString("base64") }, "Sec-WebSocket-Key"],
  ["a key that is not base64", { "Sec-WebSocket-Key": "!".repeat(22).concat("==") }, "Sec-WebSocket-Key"],
  ["no Sec-WebSocket-Version", { "Sec-WebSocket-Version": undefined }, "Sec-WebSocket-Version"],
  ["version 7", { "Sec-WebSocket-Version": "7" }, "Sec-WebSocket-Version"],
  ["version 8", { "Sec-WebSocket-Version": "8" }, "Sec-WebSocket-Version"],
  ["version 13x", { "Sec-WebSocket-Version": "13x" }, "Sec-WebSocket-Version"],
  ["another Upgrade", { Upgrade: "h2c" }, "Upgrade"],
  ["an Upgrade that is a list", { Upgrade: "websocket, h2c" }, "Upgrade"],
])("%s is refused with 400 and the reason", async (_what, headers, named) => {
  const answer = await refusalOf(handshake("/ws", headers));
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining(named) });
  await expectUnharmed();
});

test("the refusal of an unsupported version names the supported one (RFC 6455, section 4.4)", async () => {
  const { headers } = await refusalOf(handshake("/ws", { "Sec-WebSocket-Version": "7" }));
  expect(headers["sec-websocket-version"]).toBe("13");
});

test.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("method %s is refused with 400", async (method) => {
  expect(await refusalOf(handshake("/ws", { "Content-Length": "0" }, method))).toMatchObject({ status: 400 });
  await expectUnharmed();
});

test.each(["a,,b", ",", "a b", "a,a", '"a"', "a;b"])(
  "the Sec-WebSocket-Protocol %p is refused with 400, and no connection is bound to its session",
  async (protocols) => {
    served = await serve({ webSocket: { path: "/ws", maxConnectionsPerSession: 1 } });
    const browser = await signIn(served);
    const bad = handshake("/ws", { ...cookieOf(browser), "Sec-WebSocket-Protocol": protocols });
    expect(await refusalOf(bad)).toMatchObject({ status: 400 });
    expect(served.errors).toEqual([]);
    expect((await browser.webSocket("/ws")).readyState).toBe(1);
  },
);

// Once, these were accepted, the last two with the first of their hosts or with the host "undefined".
test.each<[string, string, string]>([
  ["HTTP/1.0", handshake().replace("HTTP/1.1", "HTTP/1.0"), "HTTP 1.1"],
  ["HTTP/2.0 in the clear", handshake().replace("HTTP/1.1", "HTTP/2.0"), "HTTP 1.1"],
  ["two hosts", handshake("/ws", { Host: "127.0.0.1\r\nhost: evil.example" }), "Host"],
  ["no host", handshake("/ws", { Host: undefined, Origin: "http://undefined" }), "Host"],
])("a handshake of %s is refused with 400 (RFC 6455, section 4.2.1)", async (_what, bytes, named) => {
  expect(await refusalOf(bytes)).toMatchObject({ status: 400, body: expect.stringContaining(named) });
  await expectUnharmed();
});

test("an upper-case Upgrade is accepted (RFC 6455, section 4.2.1)", async () => {
  const bytes = handshake("/ws", { Upgrade: "WebSocket", Connection: "keep-alive, UPGRADE" });
  expect(answerIn(await rawRequest(served.port, bytes, { until: "\r\n\r\n" })).status).toBe(101);
});

test("a request without an upgrade is an ordinary request", async () => {
  const bytes = handshake("/ws", { Connection: "close" });
  expect(answerIn(await rawRequest(served.port, bytes)).status).toBe(404);
  await expectUnharmed();
});

test.each<[string, string | Buffer, number]>([
  ["random bytes", randomBytes(4096), 400],
  ["the bytes of TLS", Buffer.from("16030100a5010000a1030300", "hex"), 400],
  ["a frame without a handshake", Buffer.from("8185000000006869206974", "hex"), 400],
  ["HTTP of another version", "GET /ws HTTP/9.9\r\n\r\n", 400],
  ["a header without a colon", handshake().replace("Upgrade: websocket", "Upgrade websocket"), 400],
  ["a header with a NUL", handshake("/ws", { Cookie: "a=\0" }), 400],
  ["headers of 20 KB", handshake("/ws", { Cookie: "x".repeat(20_000) }), 431],
  [
    "5,000 headers",
    handshake("/ws", Object.fromEntries([...Array(5000).keys()].map((n) => [`X-${n}`, "y"]))),
    431,
  ],
])("%s: Node answers %3$d and the server still works", async (_what, bytes, status) => {
  expect(answerIn(await rawRequest(served.port, bytes)).status).toBe(status);
  await expectUnharmed();
});

// Once, this was an unhandled rejection, which ends the process: Node's url.parse throws for such targets.
describe.each(versions)("on $version", ({ createApp }) => {
  test.each([
    "http://[",
    "http://a:b:c/ws",
    "http://^/ws",
    "http://127.0.0.1:99999999/ws",
    "*",
    "//[",
    "/ws?%",
    "/ws?%E0%A4%A",
    "/ws?a[b",
  ])("the target %p is answered", async (target) => {
    served = await serve({ createApp, webSocket: (app) => ({ path: "/ws", app }) });
    const received = await rawRequest(served.port, handshake(target), { until: "\r\n\r\n" });
    expect([101, 400, 404]).toContain(answerIn(received).status);
    expect((await served.browser().get("/session")).status).toBe(200);
  });
});

test("half a handshake followed by a reset or by nothing does not affect the server", async () => {
  const bytes = handshake();
  for (const part of [bytes.slice(0, 5), bytes.slice(0, 40), bytes.slice(0, -2)]) {
    const socket = await rawSocket(served.port);
    await new Promise((resolve) => socket.write(part, resolve));
    await resetSocket(socket);
  }
  await expectUnharmed();
});

describe("a request on the same line before the handshake", () => {
  const request = "GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

  test("that is answered may be followed by the handshake", async () => {
    const socket = await rawSocket(served.port);
    let received = "";
    const seen = (text: string) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!received.includes(text)) return;
          socket.off("data", check);
          resolve();
        };
        socket.on("data", check);
      });
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
    });
    const answered = seen('"cookie"');
    socket.write(request);
    await answered;
    const upgraded = seen("101 Switching Protocols");
    socket.write(handshake());
    await upgraded;
    socket.destroy();
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 101"]);
  });

  test("that is pipelined with it is answered completely, and the server still works", async () => {
    const received = await rawRequest(served.port, request + handshake(), { until: "HTTP/1.1 101" });
    expect(answerIn(received).status).toBe(200);
    expect(received).toContain('"cookie"');
    served.opened.length = 0;
    await expectUnharmed();
  });

  test("that is not yet answered ends the line without the handshake, and the server still works", async () => {
    served.app.get("/slow", () => {});
    const received = await rawRequest(served.port, request.replace("session", "slow") + handshake());
    expect(received).toBe("");
    await expectUnharmed();
  });
});
