import type { Request } from "express";
import type { WebSocket } from "ws";
import { closed, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { type Served, serve, signIn } from "./support.ts";

const internalError = { code: 1011, reason: "internal_error" };

function broken(): never {
  throw new Error("broken");
}

const onConnection: [string, (ws: WebSocket, req: Request) => unknown][] = [
  ['throws on "connection"', broken],
  ['rejects on "connection"', async () => broken()],
  [
    'rejects on "connection" later',
    () => new Promise((_, reject) => setImmediate(reject, new Error("broken"))),
  ],
];

const onMessage: [string, (ws: WebSocket, req: Request) => unknown][] = [
  ['throws on "message"', (ws) => ws.on("message", broken)],
  ['rejects on "message"', (ws) => ws.on("message", async () => broken())],
  ['throws on "message" with once', (ws) => ws.once("message", broken)],
  ['rejects on "message" with once', (ws) => ws.once("message", async () => broken())],
  ["throws in onmessage", (ws) => Object.assign(ws, { onmessage: broken })],
  ["throws in addEventListener", (ws) => ws.addEventListener("message", broken)],
];

async function expectReported(served: Served, ws: WebSocket): Promise<void> {
  expect(await closed(ws)).toEqual(internalError);
  await eventually(() => expect(served.errors).toMatchObject([{ message: "broken" }]));
  await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
}

test.each(onConnection)(
  "a listener that %s closes with 1011 and is an error event",
  async (_how, listener) => {
    const served = await serve({ onConnection: listener });
    await expectReported(served, await (await signIn(served)).webSocket("/ws"));
  },
);

test.each(onMessage)(
  "a message listener that %s closes with 1011 and is an error event",
  async (_how, listener) => {
    const served = await serve({ onConnection: listener });
    const ws = await (await signIn(served)).webSocket("/ws");
    ws.send("boom");
    await expectReported(served, ws);
  },
);

test.each<[string, (ws: WebSocket) => void]>([
  ["ping", (ws) => ws.ping()],
  ["pong", (ws) => ws.pong()],
])('one that throws on "%s" too', async (event, send) => {
  const served = await serve({ onConnection: (ws) => ws.on(event as "ping", broken) });
  const ws = await (await signIn(served)).webSocket("/ws");
  send(ws);
  await expectReported(served, ws);
});

test.each([broken, async () => broken()])(
  'a listener that fails on "close" is an error event',
  async (listener) => {
    const served = await serve({ onConnection: (ws) => ws.on("close", listener) });
    (await (await signIn(served)).webSocket("/ws")).close();
    await eventually(() => expect(served.errors).toMatchObject([{ message: "broken" }]));
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
  },
);

test("other connections and other listeners of the same connection continue", async () => {
  const served = await serve({
    onConnection: (ws, req) => {
      if (req.url.endsWith("broken")) broken();
      ws.on("message", (message) => ws.send(`heard ${message}`));
    },
  });
  let greeted = 0;
  served.wsSessions.on("connection", () => {
    greeted++;
  });
  const browser = await signIn(served);
  const good = await browser.webSocket("/ws");
  expect(await closed(await browser.webSocket("/ws?broken"))).toEqual(internalError);
  good.send("hello");
  expect(await nextMessage(good)).toBe("heard hello");
  expect(greeted).toBe(2);
});

test("a rejected save of an ended session that nobody catches closes with 4501, and is no error", async () => {
  const served = await serve({
    onConnection: (ws, req) => ws.on("message", async () => req.session.save()),
  });
  const browser = await signIn(served);
  const ws = await browser.webSocket("/ws");
  const { ws: line, req } = served.opened[0] as Served["opened"][0];
  await req.session.destroy();
  line.emit("message", Buffer.from(""), false);
  expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
  expect(served.errors).toEqual([]);
});

test("a removed listener is not called", async () => {
  const served = await serve();
  const seen: string[] = [];
  const listener = () => void seen.push("connection");
  const onError = () => void seen.push("error");
  served.wsSessions.on("connection", listener).on("error", onError);
  await served.browser().webSocket("/ws");
  served.wsSessions.off("connection", listener).off("error", onError);
  await served.browser().webSocket("/ws");
  expect(seen).toEqual(["connection"]);
});

test("an error without a listener is a process warning", async () => {
  const warned = new Promise((resolve) => {
    jest.spyOn(process, "emitWarning").mockImplementationOnce(resolve as typeof process.emitWarning);
  });
  const { webSocketSessions } = await import("../../lib/index.ts");
  const served = await serve();
  served.server.removeAllListeners("upgrade");
  const sessions = webSocketSessions(served.stack).on("connection", broken);
  served.server.on("upgrade", sessions.handleUpgrade);
  expect(await closed(await served.browser().webSocket("/ws"))).toEqual(internalError);
  expect(await warned).toMatchObject({ message: "broken" });
});
