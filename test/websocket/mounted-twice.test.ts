import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { type WebSocketSessions, webSocketSessions } from "../../lib/index.ts";
import { nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { answerIn, handshake } from "./raw-handshake.ts";
import { data, type Served, serve, signIn } from "./support.ts";

const greets = { onConnection: (ws: { send(text: string): void }) => ws.send("hello") };

/** Opens three connections, and asserts that each works. */
async function expectToWork(served: Served, greeting = "hello", path = "/ws"): Promise<void> {
  const browser = await signIn(served);
  for (let at = 0; at < 3; at++) expect(await nextMessage(await browser.webSocket(path))).toBe(greeting);
}

function named(served: Served, name: string, path?: string): WebSocketSessions {
  return webSocketSessions(served.stack, path === undefined ? {} : { path })
    .on("error", (error) => served.errors.push(error))
    .on("connection", (ws, req) => ws.send(`${name} for ${data(req).name}`));
}

async function bare(): Promise<Served> {
  const served = await serve();
  served.server.removeAllListeners("upgrade");
  return served;
}

// Once, every handshake was answered with 401.
test.each<[string, (served: Served) => void]>([
  ["as a listener twice", ({ server, wsSessions }) => server.on("upgrade", wsSessions.handleUpgrade)],
  [
    "by a listener of the app too",
    ({ server, wsSessions }) => server.on("upgrade", (...args) => wsSessions.handleUpgrade(...args)),
  ],
  [
    "by a listener of the app, first",
    ({ server, wsSessions }) =>
      server.prependListener("upgrade", (...args) => wsSessions.handleUpgrade(...args)),
  ],
])("a handleUpgrade that is called %s works, and one error event says so", async (_how, mount) => {
  const served = await serve(greets);
  mount(served);
  await expectToWork(served);
  expect(served.errors.map(({ message }) => message)).toEqual([expect.stringContaining("twice")]);
  expect(served.wsSessions.stats()).toMatchObject({ connections: 3, handshakes: { "101": 3 } });
});

test.each<[string, string | undefined, string | undefined, string]>([
  ["of one path", "/ws", "/ws", 'the path "/ws"'],
  ["of every path", undefined, undefined, "every path"],
  ["of every path and of one", undefined, "/ws", 'the path "/ws"'],
  ["of one path and of every", "/ws", undefined, "every path"],
])(
  "of two webSocketSessions %s, the first answers and the other reports the conflict once",
  async (_of, first, second, where) => {
    const served = await bare();
    for (const sessions of [named(served, "first", first), named(served, "second", second)])
      served.server.on("upgrade", sessions.handleUpgrade);
    await expectToWork(served, "first for Ada");
    expect(served.errors.map(({ message }) => message)).toEqual([expect.stringContaining(where)]);
  },
);

test("a conflict is reported once for each server", async () => {
  const [one, other] = [await serve(greets), await serve()];
  other.server.removeAllListeners("upgrade");
  for (const { server } of [one, other]) server.on("upgrade", one.wsSessions.handleUpgrade);
  other.server.on("upgrade", one.wsSessions.handleUpgrade);
  await expectToWork(one);
  for (let at = 0; at < 2; at++) await other.browser().webSocket("/ws");
  expect(one.errors).toHaveLength(2);
});

// Once, the first refused with 404 the handshakes of the second.
test("a listener of the app may call several handleUpgrades in turn, and each answers its own path", async () => {
  const served = await bare();
  const all = [named(served, "chat", "/chat"), named(served, "news", "/news")];
  served.server.on("upgrade", (...args) => {
    for (const { handleUpgrade } of all) handleUpgrade(...args);
  });
  await expectToWork(served, "chat for Ada", "/chat");
  await expectToWork(served, "news for Ada", "/news");
  const bytes = await rawRequest(served.port, handshake("/elsewhere"));
  expect(answerIn(bytes)).toMatchObject({ status: 404 });
  expect(bytes.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(served.errors).toEqual([]);
});

describe("beside another server that answers the same handshakes", () => {
  // Once, a second response was written to the line of the other server.
  test.each(["before", "after"])(
    "leaves the answer to a WebSocketServer of ws that was made %s it, with one error event",
    async (when) => {
      const served = await (when === "before" ? bare() : serve());
      const other = new WebSocketServer({ server: served.server });
      other.on("connection", (ws) => {
        ws.send("other");
        ws.on("message", (text) => ws.send(`heard ${text}`));
      });
      if (when === "before") served.server.on("upgrade", served.wsSessions.handleUpgrade);
      const browser = await signIn(served);
      for (let at = 0; at < 3; at++) {
        const ws = await browser.webSocket("/ws");
        expect(await nextMessage(ws)).toBe("other");
        await new Promise((resolve) => setTimeout(resolve, 50));
        ws.send("hello");
        expect(await nextMessage(ws)).toBe("heard hello");
      }
      expect(served.opened).toEqual([]);
      expect(served.errors.map(({ message }) => message)).toEqual([
        expect.stringContaining("noServer: true"),
      ]);
      expect(served.wsSessions.connections.size).toBe(0);
      // The places of the bound connections are released.
      expect(served.wsSessions.stats().handshakes).toEqual({});
    },
  );

  test("reports one that refuses other paths, as ws does with a path", async () => {
    const served = await serve();
    new WebSocketServer({ server: served.server, path: "/other" });
    const browser = await signIn(served);
    for (let at = 0; at < 2; at++)
      await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 400 });
    await eventually(() =>
      expect(served.errors.map(({ message }) => message)).toEqual([
        expect.stringContaining('another "upgrade" listener'),
      ]),
    );
  });

  test("reports one that writes the answer itself and reads the line", async () => {
    const served = await serve();
    served.server.on("upgrade", (_req: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.unshift(head);
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nmine",
      );
      socket.on("data", (bytes) => socket.end(`heard ${bytes}`));
    });
    for (let at = 0; at < 2; at++) {
      const bytes = await rawRequest(served.port, `${handshake("/ws")}hello`);
      expect(bytes).toMatch(/mine(heard hello)?$/);
      expect(bytes.match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
    await eventually(() => expect(served.errors).toHaveLength(1));
  });

  test("connections of the other server do not count for the session's limit", async () => {
    const served = await serve({ webSocket: { path: "/ws", maxConnectionsPerSession: 1 } });
    const other = new WebSocketServer({ noServer: true });
    let isOther = true;
    served.server.on("upgrade", (req, socket, head) => {
      if (isOther) other.handleUpgrade(req, socket, head, (ws) => ws.send("other"));
    });
    const browser = await signIn(served);
    for (let at = 0; at < 3; at++) expect(await nextMessage(await browser.webSocket("/ws"))).toBe("other");
    isOther = false;
    expect((await browser.webSocket("/ws")).readyState).toBe(1);
    expect(served.opened).toHaveLength(1);
  });
});
