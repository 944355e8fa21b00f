import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { type WebSocketSessions, type WebSocketSessionsOptions, webSocketSessions } from "../../lib/index.ts";
import { nextMessage } from "../support/browser.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { answerIn, handshake } from "./raw-handshake.ts";
import { data, type Served, serve, signIn, versions } from "./support.ts";

/** WebSockets that send their name and the session's contents. */
function greeting(served: Served, name: string, options: WebSocketSessionsOptions): WebSocketSessions {
  return webSocketSessions(served.stack, options).on("connection", (ws, req) => {
    ws.send(`${name} for ${data(req).name}`);
  });
}

async function bare(): Promise<Served> {
  const served = await serve();
  served.server.removeAllListeners("upgrade");
  return served;
}

/** The whole answer of a server to one handshake. */
async function answersTo(served: Served, target: string): Promise<string> {
  return rawRequest(served.port, handshake(target));
}

test("two with different paths on one server each answer their own", async () => {
  const served = await bare();
  const all = [greeting(served, "chat", { path: "/chat" }), greeting(served, "news", { path: "/news" })];
  for (const { handleUpgrade } of all) served.server.on("upgrade", handleUpgrade);
  const browser = await signIn(served);
  expect(await nextMessage(await browser.webSocket("/news"))).toBe("news for Ada");
  expect(await nextMessage(await browser.webSocket("/chat?room=1"))).toBe("chat for Ada");
});

test("of two, exactly one answers 404 for an unknown path", async () => {
  const served = await bare();
  const all = [greeting(served, "chat", { path: "/chat" }), greeting(served, "news", { path: "/news" })];
  for (const { handleUpgrade } of all) served.server.on("upgrade", handleUpgrade);
  const bytes = await answersTo(served, "/elsewhere");
  expect(answerIn(bytes)).toMatchObject({ status: 404, body: "Not Found" });
  expect(bytes.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test.each(["/", "/ws/", "/WS", "/wsx", "/ws%20", "/w%73", "//ws", "/x?/ws"])(
  "%s is not the path /ws",
  async (target) => {
    const served = await serve();
    expect(answerIn(await answersTo(served, target)).status).toBe(404);
    expect(served.opened).toEqual([]);
  },
);

test.each(versions)(
  "the path is compared without its query, which is in req.query on $version",
  async ({ createApp }) => {
    const served = await serve({ createApp, webSocket: (app) => ({ path: "/ws", app }) });
    await served.browser().webSocket("/ws?room=a%20b&x[]=1");
    await served.browser().webSocket("/ws");
    await served.browser().webSocket("/ws?next=/a?b=1&c=2");
    expect({ ...served.opened.pop()?.req.query }).toEqual({ next: "/a?b=1", c: "2" });
    expect(served.opened.map(({ req }) => ({ ...req.query }).room)).toEqual(["a b", undefined]);
    expect(served.opened.map(({ req }) => [req.path, req.originalUrl])).toEqual([
      ["/ws", "/ws?room=a%20b&x[]=1"],
      ["/ws", "/ws"],
    ]);
  },
);

// A proxy may send such a target, and a server must accept it (RFC 9112, section 3.2.2).
test("a request target in absolute form counts by its path", async () => {
  const served = await serve();
  const bytes = await rawRequest(served.port, handshake(`${served.url}/ws?room=1`), { until: "\r\n\r\n" });
  expect(answerIn(bytes).status).toBe(101);
});

test("without the option path every path is accepted", async () => {
  const served = await serve({ webSocket: {} });
  for (const path of ["/", "/a/b?c=d"]) await served.browser().webSocket(path);
  expect(served.opened).toHaveLength(2);
});

describe("beside another upgrade listener", () => {
  let served: Served;

  beforeEach(async () => {
    served = await serve();
    const other = new WebSocketServer({ noServer: true });
    served.server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (req.url === "/ws") return;
      if (req.url === "/other") other.handleUpgrade(req, socket, head, (ws) => ws.send("other"));
      else socket.end("HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n");
    });
  });

  test("each of the two answers its own path", async () => {
    const browser = await signIn(served);
    expect(await nextMessage(await browser.webSocket("/other"))).toBe("other");
    expect((await browser.webSocket("/ws")).readyState).toBe(1);
  });

  test("an unknown path is left to the other listener, and answered once", async () => {
    const bytes = await answersTo(served, "/elsewhere");
    expect(answerIn(bytes).status).toBe(410);
    expect(bytes.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

test("handleUpgrade refuses other paths itself if a listener of the app calls it", async () => {
  const served = await bare();
  const { handleUpgrade } = greeting(served, "chat", { path: "/chat" });
  served.server.on("upgrade", (req, socket, head) => handleUpgrade(req, socket, head));
  expect(await nextMessage(await (await signIn(served)).webSocket("/chat"))).toBe("chat for Ada");
  expect(answerIn(await answersTo(served, "/elsewhere")).status).toBe(404);
});

test("handleUpgrade is bound", async () => {
  const served = await bare();
  const { handleUpgrade } = greeting(served, "chat", {});
  (served.server as Server).on("upgrade", handleUpgrade);
  expect(await nextMessage(await (await signIn(served)).webSocket("/"))).toBe("chat for Ada");
});

test("a session cookie whose path does not cover the WebSocket's path is a 500, and the app gets the reason", async () => {
  const served = await serve({ session: { cookie: { path: "/app" } } });
  await expect(served.browser().webSocket("/ws")).rejects.toMatchObject({ statusCode: 500 });
  expect(served.errors).toMatchObject([{ message: expect.stringContaining("cookie.path") }]);
});

describe("misuse throws a TypeError that names the option", () => {
  test.each([
    ["path", { path: "ws" }],
    ["app", { app: {} }],
    ["authorize", { authorize: true }],
    ["origins", { origins: "https://a.example" }],
    ["maxConnectionsPerSession", { maxConnectionsPerSession: 0 }],
    ["handshakeTimeoutMs", { handshakeTimeoutMs: -1 }],
    ["revalidateMs", { revalidateMs: Number.NaN }],
    ["maxPayload", { maxPayload: 0 }],
  ])("%s", async (option, options) => {
    const { stack } = await serve();
    const misuse = () => webSocketSessions(stack, options as unknown as WebSocketSessionsOptions);
    expect(misuse).toThrow(TypeError);
    expect(misuse).toThrow(`option "${option}"`);
  });

  test("a stack that was called", async () => {
    const { stack } = await serve();
    expect(() => webSocketSessions(stack() as unknown as typeof stack)).toThrow(TypeError);
  });

  test("an undefined option has its default", async () => {
    const served = await serve({
      webSocket: {
        path: undefined,
        maxPayload: undefined,
        origins: undefined,
      } as unknown as WebSocketSessionsOptions,
    });
    expect((await served.browser().webSocket("/ws")).readyState).toBe(1);
  });
});
