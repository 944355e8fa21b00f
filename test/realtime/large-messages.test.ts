import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import type { WebSocket } from "ws";
import type { Connection } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { rawSocket } from "../support/raw-socket.ts";
import { cookieOf, handshake } from "../websocket/raw-handshake.ts";
import { afterThisTest, ask, connect, next, type Served, serve, signIn, takeFailures } from "./support.ts";

const MIB = 1024 * 1024;
const LIMIT = MIB;
/** The most that a connection may hold: its limit and one message of the largest size. */
const CEILING = LIMIT + 16 * MIB;
const text = (bytes: number) => "x".repeat(bytes);

async function served(perMessageDeflate = false): Promise<Served> {
  return serve({
    realtime: { maxMessagesPerSecond: 10_000 },
    webSocket: { path: "/ws", perMessageDeflate },
  });
}

/** The numbers of the next messages, and how long their texts are. */
async function received(ws: WebSocket, count: number): Promise<[number, number][]> {
  const found: [number, number][] = [];
  while (found.length < count) {
    const { data } = (await next(ws)) as { data: { at: number; text: string } };
    found.push([data.at, data.text.length]);
  }
  return found;
}

// Once, such a message was delivered and its client was closed with 4013, again after each reconnection.
describe.each([false, true])("to a client that reads, with compression: %p", (perMessageDeflate) => {
  test("messages of 6 MB arrive one after the other, also with small ones directly after them", async () => {
    const app = await served(perMessageDeflate);
    const { ws, line } = await connect(app, "ada");
    for (let round = 0; round < 3; round++) {
      line.send("news", { at: 0, text: text(6_000_000) });
      for (let at = 1; at <= 50; at++) {
        await new Promise(setImmediate);
        line.send("news", { at, text: text(1_000) });
      }
      const sizes = await received(ws, 51);
      expect(sizes.map(([at]) => at)).toEqual(Array.from({ length: 51 }, (_, at) => at));
      expect(sizes[0]).toEqual([0, 6_000_000]);
    }
    expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
    expect(app.chat.stats()).toMatchObject({ slowConsumers: 0, connections: 1 });
    expect(app.closings).toEqual([]);
  });

  test("several messages of 6 MB arrive, sent in one turn or in separate turns", async () => {
    const app = await served(perMessageDeflate);
    const { ws, line } = await connect(app, "ada");
    for (let at = 0; at < 3; at++) line.send("news", { at, text: text(2_000_000) });
    expect(await received(ws, 3)).toEqual([0, 1, 2].map((at) => [at, 2_000_000]));
    for (let at = 0; at < 5_000; at++) line.send("news", { at, text: text(1_000) });
    expect(await received(ws, 5_000)).toHaveLength(5_000);
    for (let at = 0; at < 2; at++) {
      line.send("news", { at, text: text(6_000_000) });
      await new Promise(setImmediate);
    }
    expect(await received(ws, 2)).toEqual([0, 1].map((at) => [at, 6_000_000]));
    expect(app.closings).toEqual([]);
  });

  test("a message of 6 MB to a group arrives at each of its connections", async () => {
    const app = await served(perMessageDeflate);
    const lines = [];
    for (const user of ["ada", "grace", "edith"]) {
      lines.push(await connect(app, user));
      await app.chat.join(user, "all");
    }
    await app.chat.group("all").send("news", { at: 0, text: text(6_000_000) });
    await app.chat.group("all").send("news", { at: 1, text: "" });
    for (const { ws } of lines)
      expect(await received(ws, 2)).toEqual([
        [0, 6_000_000],
        [1, 0],
      ]);
    expect(app.closings).toEqual([]);
    await eventually(() => expect(app.wsSessions.stats().bufferedBytes).toBe(0));
  });
});

describe("to a client that does not read", () => {
  let app: Served;
  let slow: Socket;
  let line: Connection;

  beforeEach(async () => {
    app = await served();
    const browser = await signIn(app, "ada");
    slow = await rawSocket(app.port);
    afterThisTest(() => slow.destroy());
    slow.pause();
    slow.write(handshake("/ws", cookieOf(browser)));
    await eventually(() => expect(app.connections).toHaveLength(1));
    line = app.connections[0] as Connection;
  });

  const isOpen = () => line.ws.readyState === line.ws.OPEN;
  const expectClosed = async () => {
    await eventually(() => expect(app.closings).toHaveLength(1), { withinMs: 15_000 });
    expect(app.closings[0]?.closed).toEqual({ code: 4013, reason: "slow_consumer" });
    expect(app.chat.stats()).toMatchObject({ slowConsumers: 1, connections: 0 });
  };

  test("a single large message leads to 4013 within seconds", async () => {
    line.send("news", { text: text(15_000_000) });
    await new Promise(setImmediate);
    expect(isOpen()).toBe(true);
    await expectClosed();
  });

  test("messages one after the other are sent up to the ceiling, and then the client is closed at once", async () => {
    let most = 0;
    let sent = 0;
    for (; isOpen(); sent++) {
      line.send("news", { text: text(4_000_000) });
      await new Promise(setImmediate);
      most = Math.max(most, line.ws.bufferedAmount);
      expect(sent).toBeLessThan(20);
    }
    expect(most).toBeLessThanOrEqual(CEILING);
    await expectClosed();
  });

  test("messages above the ceiling in one turn close the connection, and are not kept", async () => {
    for (let at = 0; at < 20; at++) line.send("news", { text: text(4_000_000) });
    await new Promise(setImmediate);
    expect(isOpen()).toBe(false);
    expect(line.ws.bufferedAmount).toBeLessThan(1_000);
    await expectClosed();
  });

  test("small messages behind a large one are kept only up to the limit", async () => {
    line.send("news", { text: text(12_000_000) });
    await new Promise(setImmediate);
    const before = line.ws.bufferedAmount;
    let sent = 0;
    for (; isOpen(); sent++) {
      line.send("news", { text: text(10_000) });
      await new Promise(setImmediate);
      expect(sent).toBeLessThan(200);
    }
    expect(sent * 10_000).toBeGreaterThan(LIMIT - 50_000);
    expect(line.ws.bufferedAmount).toBeLessThan(before + LIMIT + 50_000);
    await expectClosed();
  });
});

// Node's figures of a TLS line do not change while the client reads, so the client would seem to stand still.
test.each([false, true])(
  "a client that reads slowly without a stop receives a whole large message, over TLS: %p",
  async (isTls) => {
    const app = await served();
    const browser = await signIn(app, "ada");
    const slow = isTls ? await tlsSocket(app) : await rawSocket(app.port);
    afterThisTest(() => slow.destroy());
    slow.pause();
    slow.write(handshake("/ws", cookieOf(browser)));
    await eventually(() => expect(app.connections).toHaveLength(1));
    const line = app.connections[0] as Connection;
    let bytes = 0;
    let wasClosed = false;
    line.send("news", { text: text(14_000_000) });
    // Longer than a client may stand still.
    for (const begin = Date.now(); Date.now() - begin < 8_000; await wait(100)) {
      bytes += (slow.read() as Buffer | null)?.length ?? 0;
      wasClosed ||= line.ws.readyState !== line.ws.OPEN;
    }
    expect(wasClosed).toBe(false);
    expect(line.ws.bufferedAmount).toBeGreaterThan(LIMIT);
    slow.on("data", (rest: Buffer) => {
      bytes += rest.length;
    });
    slow.resume();
    await eventually(() => expect(bytes).toBeGreaterThan(14_000_000), { withinMs: 10_000 });
    expect(app.closings).toEqual([]);
    expect(app.chat.stats().slowConsumers).toBe(0);
  },
);

/** A line to the same WebSockets over TLS. A shared key replaces a certificate, which would expire. */
async function tlsSocket({ wsSessions }: Served): Promise<Socket> {
  const psk = Buffer.from("a key for tests only");
  const ciphers = "PSK";
  const server = createServer({ ciphers, pskCallback: () => psk } as object);
  server.on("upgrade", wsSessions.handleUpgrade).listen(0, "127.0.0.1");
  await once(server, "listening");
  afterThisTest(() => server.close());
  const pskCallback = () => ({ psk, identity: "test" });
  const { port } = server.address() as AddressInfo;
  const line = connectTls({
    port,
    host: "127.0.0.1",
    ciphers,
    pskCallback,
    checkServerIdentity: () => undefined,
  } as object);
  line.on("error", () => {});
  await once(line, "secureConnect");
  return line;
}

describe("a message larger than 16 MiB", () => {
  const tooLarge = () => ({ text: text(16 * MIB) });
  const refusal = /may have 16777216/;

  test("is refused by send, and is sent to nobody", async () => {
    const app = await served();
    const { ws, line } = await connect(app, "ada");
    await app.chat.join("ada", "all");
    expect(() => line.send("news", tooLarge())).toThrow(RangeError);
    await expect(app.chat.user("ada").send("news", tooLarge())).rejects.toThrow(refusal);
    await expect(app.chat.group("all").send("news", tooLarge())).rejects.toThrow(refusal);
    await expect(app.chat.group("all").except(line).send("news", tooLarge())).rejects.toThrow(refusal);
    // The limit counts bytes, not characters.
    expect(() => line.send("news", { text: "ü".repeat(9 * MIB) })).toThrow(refusal);
    expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
    expect(app.closings).toEqual([]);
  });

  test("as the answer of a handler causes an error event, and an error for the client", async () => {
    const app = await served();
    app.chat.on("large", () => tooLarge());
    const { ws } = await connect(app, "ada");
    expect(await ask(ws, "large")).toMatchObject({ status: "error", error: { code: "handler_failed" } });
    expect(takeFailures(app)).toEqual([expect.stringMatching(refusal)]);
  });

  test("is sent if a connection may leave that much unread", async () => {
    const app = await serve({ realtime: { maxBufferedBytes: 20 * MIB } });
    const { ws, line } = await connect(app, "ada");
    line.send("news", { at: 0, ...tooLarge() });
    expect(await received(ws, 1)).toEqual([[0, 16 * MIB]]);
  });
});
