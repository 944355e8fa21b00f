import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { RealtimeOptions } from "../../lib/index.ts";
import { closed, messages, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawSocket } from "../support/raw-socket.ts";
import { cookieOf, frame, handshake } from "../websocket/raw-handshake.ts";
import { afterThisTest, ask, connect, next, places, type Served, serve, signIn } from "./support.ts";

const inactive = { code: 4008, reason: "inactive" };
const beat = '{"event_type":"session.heartbeat","data":{}}';
const TICK_MS = 1_000;

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

/** A connection of ada on the clock of this test. */
async function withClock(options: RealtimeOptions = {}, more: Parameters<typeof serve>[0] = {}) {
  const served = await serve({ ...more, realtime: { clock, pingIntervalMs: 0, ...options } });
  return { served, ...(await connect(served, "ada")) };
}

describe.each(places)("inactivityThresholdSeconds on $place", ({ open }) => {
  test("closes a silent connection with the next tick, and not before", async () => {
    const { served, ws, line } = await withClock({}, { backend: await open() });
    const other = await connect(served, "grace");
    await clock.advance(59_999);
    expect(line.ws.readyState).toBe(line.ws.OPEN);
    expect(await served.chat.activeSessions("ada")).toMatchObject([{ id: line.id }]);
    other.ws.send(beat);
    await next(other.ws);
    await clock.advance(1 + TICK_MS);
    expect(await closed(ws)).toEqual(inactive);
    await eventually(async () => expect(await served.chat.activeSessions("ada")).toEqual([]));
    expect(await served.chat.activeSessions("grace")).toHaveLength(1);
    await eventually(() => expect(served.closings).toEqual([{ id: line.id, closed: inactive }]));
  });

  test("a closed connection receives nothing, even if the client does not answer the close", async () => {
    const served = await serve({ backend: await open(), realtime: { clock, pingIntervalMs: 0, graceMs: 0 } });
    const { received } = await rawLine(served);
    await served.chat.join("ada", "all");
    await clock.advance(60_000 + TICK_MS);
    await served.chat.user("ada").send("secret");
    await served.chat.group("all").send("secret");
    await eventually(() => expect(served.closings).toMatchObject([{ closed: inactive }]));
    expect(received()).not.toContain("secret");
    expect(await served.chat.presence("all")).toEqual([]);
  });
});

test.each<[string, (ws: WebSocket) => void]>([
  ["a heartbeat", (ws) => ws.send(beat)],
  ["the answer to one", (ws) => ws.send('{"status":"success"}')],
  ["an event", (ws) => ws.send('{"event_type":"echo"}')],
  ["what is wrong", (ws) => ws.send("{")],
  ["a binary frame", (ws) => ws.send(Buffer.from("a"))],
])("%s keeps a connection active", async (_what, show) => {
  const { ws, line, served } = await withClock();
  await clock.advance(50_000);
  show(ws);
  await eventually(() => expect(line.lastSeen).toBe(clock.now()));
  await clock.advance(59_000);
  expect(line.ws.readyState).toBe(line.ws.OPEN);
  expect(await served.chat.activeSessions("ada")).toMatchObject([{ lastSeen: clock.now() - 59_000 }]);
  await clock.advance(1_000 + TICK_MS);
  expect(await closed(ws)).toEqual(inactive);
});

test("pings and pongs of the client do not keep a connection active", async () => {
  const { ws, line } = await withClock({ pingIntervalMs: 10_000 });
  const { lastSeen } = line;
  for (let at = 0; at < 5; at++) {
    await clock.advance(10_000);
    ws.pong();
    ws.ping();
    await once(ws, "pong");
  }
  expect(line.lastSeen).toBe(lastSeen);
  await clock.advance(10_000 + TICK_MS);
  expect(await closed(ws)).toEqual(inactive);
});

test("a client with heartbeats in time stays connected for hours", async () => {
  const { ws, line } = await withClock();
  for (let beats = 0; beats < 240; beats++) {
    await clock.advance(59_000);
    ws.send(beat);
    expect(await next(ws)).toEqual({ status: "success" });
  }
  expect(line.lastSeen - line.connectedAt).toBe(240 * 59_000);
  await clock.advance(60_000 + TICK_MS);
  expect(await closed(ws)).toEqual(inactive);
});

/** A connection of ada that answers no ping by itself. */
async function rawLine(served: Served): Promise<{ socket: Socket; received: () => string }> {
  const browser = await signIn(served, "ada");
  const socket = await rawSocket(served.port);
  afterThisTest(() => socket.destroy());
  let bytes = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    bytes += text;
  });
  socket.write(handshake("/ws", cookieOf(browser)));
  await eventually(() => expect(served.connections).toHaveLength(1));
  return { socket, received: () => bytes.slice(bytes.indexOf("\r\n\r\n") + 4) };
}

const PING = "\x89\x00";
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const ANSWER = '\x81\x14{"status":"success"}';

describe("pingIntervalMs", () => {
  test("cuts a line that does not answer before the next ping, whatever else it sends", async () => {
    const served = await serve({ realtime: { clock, inactivityThresholdSeconds: 3_600 } });
    const { socket, received } = await rawLine(served);
    await clock.advance(29_000);
    expect(received()).toBe("");
    await clock.advance(TICK_MS);
    await eventually(() => expect(received()).toBe(PING));
    await clock.advance(29_000);
    socket.write(frame(beat));
    await eventually(() => expect(received()).toBe(PING + ANSWER));
    const cut = once(socket, "close");
    await clock.advance(TICK_MS);
    await cut;
    expect(received()).toBe(PING + ANSWER);
    await eventually(() => expect(served.closings).toMatchObject([{ closed: { code: 1006 } }]));
    expect(await served.chat.activeSessions("ada")).toEqual([]);
  });

  test("keeps a line that answers each ping", async () => {
    const served = await serve({ realtime: { clock, inactivityThresholdSeconds: 3_600 } });
    const { socket, received } = await rawLine(served);
    for (let ping = 1; ping <= 20; ping++) {
      await clock.advance(30_000);
      await eventually(() => expect(received()).toBe((PING + ANSWER).repeat(ping - 1) + PING));
      // Both in one write: an answer to the heartbeat shows that the pong has arrived.
      socket.write(Buffer.concat([PONG, frame(beat)]));
      await eventually(() => expect(received()).toBe((PING + ANSWER).repeat(ping)));
    }
    expect(served.connections[0]?.ws.readyState).toBe(1);
  });

  test("of 0 sends no pings and cuts no line", async () => {
    const served = await serve({ realtime: { clock, pingIntervalMs: 0, graceMs: 0 } });
    const { socket, received } = await rawLine(served);
    for (let beats = 1; beats <= 20; beats++) {
      await clock.advance(50_000);
      socket.write(frame(beat));
      await eventually(() => expect(received()).toBe(ANSWER.repeat(beats)));
    }
  });
});

describe("heartbeats of the server", () => {
  const enabled = { heartbeat: { enabled: true } };

  test.each([['{"status":"success"}'], [beat], ['{"event_type":"nothing"}']])(
    "come every 20 s, and a client that answers %s stays connected",
    async (answer) => {
      const { ws, line } = await withClock({ ...enabled, pingIntervalMs: 30_000 });
      for (let at = 0; at < 30; at++) {
        await clock.advance(20_000);
        let message = await nextMessage(ws);
        while (message !== beat) message = await nextMessage(ws);
        ws.send(answer);
        await eventually(() => expect(line.lastSeen).toBe(clock.now()));
      }
      const beats = messages(ws).all.filter((message) => message === beat);
      expect(beats).toHaveLength(30);
    },
  );

  test("keep no connection that does not answer", async () => {
    const { ws } = await withClock(enabled);
    await clock.advance(60_000 + TICK_MS);
    expect(await closed(ws)).toEqual(inactive);
    expect(messages(ws).all.slice(1)).toEqual([beat, beat]);
  });

  test("come at the rate of frequencyMs", async () => {
    const { ws } = await withClock({ heartbeat: { enabled: true, frequencyMs: 5_000 } });
    await clock.advance(50_000);
    await ask(ws, "echo").catch(() => {});
    expect(messages(ws).all.filter((message) => message === beat)).toHaveLength(10);
  });

  test.each<[string, RealtimeOptions]>([
    ["by default", {}],
    ["with a frequency alone", { heartbeat: { frequencyMs: 1_000 } }],
    ["if they are off", { heartbeat: { enabled: false } }],
  ])("do not come %s", async (_how, options) => {
    const { ws } = await withClock({ ...options, inactivityThresholdSeconds: 3_600 });
    await clock.advance(600_000);
    await ask(ws, "echo");
    expect(messages(ws).all).toHaveLength(2);
  });
});
