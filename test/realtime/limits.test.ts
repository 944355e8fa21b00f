import { once } from "node:events";
import type { Socket } from "node:net";
import { closed, messages, UpgradeRefusedError } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawRequest, rawSocket } from "../support/raw-socket.ts";
import { cookieOf, frame, handshake } from "../websocket/raw-handshake.ts";
import { afterThisTest, ask, connect, next, open, places, send, serve, signIn } from "./support.ts";

const rateLimited = { code: 4029, reason: "rate_limited" };
const beat = '{"event_type":"session.heartbeat"}';

describe("maxMessagesPerSecond", () => {
  test("10,000 messages in a second close their connection, and no other", async () => {
    let handled = 0;
    const served = await serve({ setUp: (chat) => chat.on("count", () => ++handled) });
    const browser = await signIn(served, "ada");
    const [flooding, calm] = [await open(served, browser), await open(served, browser)];
    for (let at = 0; at < 10_000; at++) send(flooding.ws, "count");
    expect(await closed(flooding.ws)).toEqual(rateLimited);
    expect(handled).toBeLessThanOrEqual(200);
    expect(await ask(calm.ws, "echo")).toMatchObject({ status: "success" });
    expect(await served.chat.activeSessions("ada")).toMatchObject([{ id: calm.line.id }]);
    expect(await ask((await open(served, browser)).ws, "echo")).toMatchObject({ status: "success" });
  });

  test.each([
    ["heartbeats", beat],
    ["what is no JSON", "{"],
    ["binary frames", Buffer.from("x")],
    ["events that nobody handles", '{"event_type":"unknown"}'],
  ])("counts %s as well", async (_what, message) => {
    const served = await serve({ realtime: { maxMessagesPerSecond: 10, clock: new FakeClock() } });
    const ws = await served.browser().webSocket("/ws");
    for (let at = 0; at < 11; at++) ws.send(message);
    expect(await closed(ws)).toEqual(rateLimited);
  });

  // Once, they did not count: a client could make this node read pongs without end.
  test.each([
    ["pings", "ping"],
    ["pongs that nobody has asked for", "pong"],
  ] as const)("counts %s as well", async (_what, kind) => {
    const served = await serve({ realtime: { maxMessagesPerSecond: 10, clock: new FakeClock() } });
    const ws = await served.browser().webSocket("/ws");
    for (let at = 0; at < 11; at++) ws[kind]();
    expect(await closed(ws)).toEqual(rateLimited);
  });

  // Once, everything that had arrived was read before the line was cut: two megabytes of frames in one turn.
  test("stops reading a flood with the chunk that has one message too many", async () => {
    const served = await serve();
    const socket = await rawSocket(served.port);
    afterThisTest(() => socket.destroy());
    socket.write(handshake("/ws"));
    await once(socket, "data");
    await eventually(() => expect(served.connections).toHaveLength(1));
    const line = (served.connections[0] as unknown as { ws: { _socket: Socket } }).ws._socket;
    for (let megabyte = 0; megabyte < 8; megabyte++) socket.write(Buffer.alloc(1_200_000, frame("")));
    await once(line, "close");
    expect(line.bytesRead).toBeLessThan(512 * 1024);
  });

  test("does not count the pong that answers a ping", async () => {
    const clock = new FakeClock();
    const options = { maxMessagesPerSecond: 1, pingIntervalMs: 1_000, clock };
    const ws = await (await serve({ realtime: options })).browser().webSocket("/ws");
    const pinged = new Promise((resolve) => ws.once("ping", resolve));
    await clock.advance(1_000);
    await pinged;
    ws.send(beat);
    expect(await next(ws)).toEqual({ status: "success" });
  });

  test("allows the messages of a second at once, and later as many as the rate allows", async () => {
    const clock = new FakeClock();
    const served = await serve({ realtime: { maxMessagesPerSecond: 10, clock } });
    const ws = await served.browser().webSocket("/ws");
    const burst = async (count: number) => {
      for (let at = 0; at < count; at++) ws.send(beat);
      for (let at = 0; at < count; at++) await next(ws);
    };
    await burst(10);
    await clock.advance(300);
    await burst(3);
    await clock.advance(99);
    // Even after a long silence, no more than the messages of a second.
    await clock.advance(30_000);
    await burst(10);
    ws.send(beat);
    expect(await closed(ws)).toEqual(rateLimited);
  });

  test("allows a steady stream for ever", async () => {
    const clock = new FakeClock();
    const served = await serve({ realtime: { maxMessagesPerSecond: 10, clock, pingIntervalMs: 0 } });
    const ws = await served.browser().webSocket("/ws");
    for (let at = 0; at < 500; at++) {
      ws.send(beat);
      await next(ws);
      await clock.advance(100);
    }
    expect(messages(ws).closed).toBeUndefined();
  });

  // Once, Infinity times zero time was NaN, and every message was one too many.
  test.each([Number.POSITIVE_INFINITY, 0.5])("may be %d", async (maxMessagesPerSecond) => {
    const served = await serve({ realtime: { maxMessagesPerSecond, clock: new FakeClock() } });
    const ws = await served.browser().webSocket("/ws");
    ws.send(beat);
    expect(await next(ws)).toEqual({ status: "success" });
  });
});

// Once, only messages were counted: 100 messages of 64 KiB a second were allowed.
describe("maxBytesPerSecond", () => {
  const sized = (bytes: number) => {
    const around = '{"event_type":"echo","data":{"x":""}}';
    return around.replace('""', `"${"x".repeat(bytes - around.length)}"`);
  };

  test("allows the bytes of a second at once, and later as many as the rate allows", async () => {
    const clock = new FakeClock();
    const served = await serve({ realtime: { maxBytesPerSecond: 100_000, clock } });
    const { ws } = await connect(served, "ada");
    await clock.advance(30_000);
    for (let at = 0; at < 10; at++) ws.send(sized(10_000));
    await clock.advance(0);
    await eventually(() => expect(served.chat.stats().bytesIn).toBeGreaterThan(100_000));
    await clock.advance(500);
    for (let at = 0; at < 5; at++) ws.send(sized(10_000));
    await eventually(() => expect(served.chat.stats().bytesIn).toBeGreaterThan(150_000));
    expect(served.closings).toEqual([]);
    ws.send(beat);
    expect(await closed(ws)).toEqual(rateLimited);
    expect(served.chat.stats().rateLimited).toBe(1);
  });

  test("is 1 MiB by default, for any messages of one connection", async () => {
    const clock = new FakeClock();
    const served = await serve({ realtime: { clock } });
    const browser = served.browser();
    const [flooding, calm] = [await browser.webSocket("/ws"), await browser.webSocket("/ws")];
    for (let at = 0; at < 17; at++) flooding.send(Buffer.alloc(65_536));
    expect(await closed(flooding)).toEqual(rateLimited);
    expect(served.chat.stats().messagesIn).toBe(17);
    calm.send(beat);
    expect(await next(calm)).toEqual({ status: "success" });
  });

  test("allows a single larger message if nothing was sent for a second", async () => {
    const clock = new FakeClock();
    const served = await serve({ realtime: { maxBytesPerSecond: 1_000, clock } });
    const ws = await served.browser().webSocket("/ws");
    for (let at = 0; at < 3; at++) {
      ws.send(sized(60_000).replace('"data"', '"id":1,"data"'));
      expect(await next(ws)).toMatchObject({ status: "success" });
      await clock.advance(1_000);
    }
    ws.send(beat);
    expect(await next(ws)).toEqual({ status: "success" });
    ws.send(sized(60_000));
    expect(await closed(ws)).toEqual(rateLimited);
  });
});

describe.each(places)("on $place", ({ open: openPlace }) => {
  test("maxConnectionsPerUser refuses a further handshake with 429 until a connection has closed", async () => {
    const served = await serve({ backend: await openPlace(), realtime: { maxConnectionsPerUser: 2 } });
    const browsers = [await signIn(served, "ada"), await signIn(served, "ada"), await signIn(served, "ada")];
    const [first, second, third] = browsers as [
      (typeof browsers)[0],
      (typeof browsers)[0],
      (typeof browsers)[0],
    ];
    const { ws } = await open(served, first);
    await open(served, second);
    const answer = await rawRequest(served.port, handshake("/ws", cookieOf(third)));
    expect(answer).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(answer).toMatch(/\r\nRetry-After: 60\r\n/i);
    expect(answer).toMatch(/\r\n\r\nToo many connections of this user$/);
    for (let attempt = 0; attempt < 5; attempt++) {
      await expect(third.webSocket("/ws")).rejects.toThrow(UpgradeRefusedError);
    }
    // Connections of other users and without a user do not count.
    await connect(served, "grace");
    for (let visitor = 0; visitor < 4; visitor++) await connect(served);
    expect(await served.chat.activeSessions("ada")).toHaveLength(2);
    ws.close();
    await eventually(() => third.webSocket("/ws"));
    await expect(first.webSocket("/ws")).rejects.toMatchObject({ statusCode: 429 });
  });

  test("maxConnectionsPerUser also holds for many handshakes at the same time", async () => {
    const served = await serve({ backend: await openPlace(), realtime: { maxConnectionsPerUser: 5 } });
    const browser = await signIn(served, "ada");
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => browser.webSocket("/ws")));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    expect(await served.chat.activeSessions("ada")).toHaveLength(5);
  });

  test("maxGroupsPerUser rejects a further join without a change, and allows one after a leave", async () => {
    const served = await serve({ backend: await openPlace(), realtime: { maxGroupsPerUser: 3 } });
    const { line } = await connect(served, "ada");
    const { chat } = served;
    const joins = ["a", "b", "c", "d", "e"].map((group) => chat.join("ada", group));
    const results = await Promise.allSettled(joins);
    const rejected = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(rejected).toMatchObject([{ code: "ERR_TOO_MANY_GROUPS" }, { code: "ERR_TOO_MANY_GROUPS" }]);
    const groups = await chat.groupsOf("ada");
    expect(groups).toHaveLength(3);
    expect([...line.groups].sort()).toEqual([...groups].sort());
    await expect(line.join("f")).rejects.toMatchObject({ code: "ERR_TOO_MANY_GROUPS", status: 429 });
    expect(await chat.members("f")).toEqual([]);
    await chat.join("ada", groups[0] as string);
    await chat.leave("ada", groups[0] as string);
    await line.join("f");
    expect(await chat.members("f")).toEqual(["ada"]);
    await chat.join("grace", "a");
  });
});

test("maxGroupsPerUser holds for a connection without a user, also for joins at the same time", async () => {
  const served = await serve({ realtime: { maxGroupsPerUser: 2 } });
  const { line } = await connect(served);
  const results = await Promise.allSettled(["a", "b", "c", "d"].map((group) => line.join(group)));
  expect(results.filter(({ status }) => status === "rejected")).toMatchObject([
    { reason: { code: "ERR_TOO_MANY_GROUPS" } },
    { reason: { code: "ERR_TOO_MANY_GROUPS" } },
  ]);
  expect([...line.groups]).toEqual(["a", "b"]);
  await line.join("a");
  await line.leave("a");
  await line.join("c");
  expect([...line.groups]).toEqual(["b", "c"]);
});
