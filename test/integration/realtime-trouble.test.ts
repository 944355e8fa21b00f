import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import type { RealtimeLine } from "./realtime-line.ts";
import { type RealtimeNode, startRealtimeNode, Users } from "./realtime-nodes.ts";
import { type Line, startLine } from "./users-line.ts";

const LEASE_MS = 4000;
const TIMEOUT_MS = 2000;
/** The time that ticks and leases may need on a busy machine. No connection is active earlier by itself. */
const LONG_MS = 20_000;

let server: RedisServer;
let line: Line;
let redis: RedisClient;
let nodes: [RealtimeNode, RealtimeNode];
let users: Users;

/** The sessions are on another Redis, so connections survive the faults of the nodes' Redis. */
beforeEach(async () => {
  server = await startRedisServer();
  line = await startLine(server.port);
  redis = await connectRedis(server.url);
  const options = {
    redisUrl: line.url,
    subscriberUrl: server.url,
    sessionsUrl: process.env.REDIS_URL as string,
    prefix: uniquePrefix("trouble"),
    leaseMs: LEASE_MS,
    timeoutMs: TIMEOUT_MS,
    graceMs: 0,
  };
  nodes = await Promise.all([startRealtimeNode(options), startRealtimeNode(options)]);
  users = new Users(nodes);
});

afterEach(async () => {
  await Promise.all((nodes ?? []).map((node) => node.kill()));
  await users?.close();
  redis?.destroy();
  await line?.close();
  await server?.stop();
});

async function offlineUsers(): Promise<string[]> {
  // This also shows that both nodes run: an unhandled rejection would have ended them.
  const told = await Promise.all(nodes.map(({ control }) => control.told()));
  return told
    .flat()
    .filter(({ event }) => event === "offline")
    .map(({ userId }) => userId as string)
    .sort();
}

/** Asserts that both nodes see this number of connections of a user. */
async function expectActive(user: string, count: number): Promise<void> {
  for (const { control } of nodes) expect(await control.activeSessions(user)).toHaveLength(count);
}

/** Asserts that calls fail in time because the backend is unavailable. */
async function untilUnavailable(): Promise<void> {
  await eventually(async () => {
    const call = nodes[0].control.groupsOf("nobody");
    await expect(call).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
  });
}

/** Resolves when all earlier leases have run out. */
async function untilLeasesHaveRunOut(): Promise<void> {
  const pausedAt = performance.now();
  while (performance.now() - pausedAt < 2 * LEASE_MS) await untilUnavailable();
}

async function expectDelivered(lines: readonly RealtimeLine[], user: string): Promise<void> {
  for (const { control } of nodes) {
    for (const { messages } of lines) messages.length = 0;
    await control.sendToUser(user, { from: "all" });
    await eventually(() => {
      for (const { messages } of lines) expect(messages).toEqual([{ from: "all" }]);
    });
  }
}

test("all open connections are registered again in a Redis that restarted empty, before any of them is active", async () => {
  const lines = await Promise.all([0, 1].map((node) => users.connect("ann", node)));
  const [bob] = [await users.connect("bob", 1)];
  await nodes[0].control.join("ann", "red");
  await server.restart();
  await eventually(
    async () => {
      await expectActive("ann", 2);
      await expectActive("bob", 1);
    },
    { withinMs: LONG_MS },
  );
  await expectDelivered(lines, "ann");
  await expectDelivered([bob], "bob");
  // The stored data is gone, and can be set again.
  await eventually(async () => expect(await nodes[1].control.presence("red")).toEqual([]));
  await nodes[1].control.join("ann", "red");
  await nodes[0].control.sendToGroup("red", { from: "red" });
  await eventually(() => {
    for (const { messages } of lines) expect(messages.at(-1)).toEqual({ from: "red" });
  });
  expect([...lines, bob].map(({ inbox }) => inbox.closed)).toEqual([undefined, undefined, undefined]);
  expect(await offlineUsers()).toEqual([]);

  // A node that dies now is found, although none of its connections was active since.
  await nodes[1].kill();
  await eventually(
    async () => {
      expect(await nodes[0].control.activeSessions("bob")).toEqual([]);
      expect(await redis.keys("*session-stack:user:bob:connections")).toEqual([]);
    },
    { withinMs: LONG_MS },
  );
}, 90_000);

test("a node repeats a failed read after its reconnection with a later tick", async () => {
  const ann = await users.connect("ann", 0);
  await nodes[0].control.join("ann", "red");
  line.cut();
  await server.restart();
  // Messages arrive again, but reads still fail.
  await eventually(async () => expect(await subscribedChannels()).toBeGreaterThan(0));
  await untilUnavailable();
  line.restore();
  await eventually(() => expectActive("ann", 1), { withinMs: LONG_MS });
  await eventually(
    async () => {
      ann.messages.length = 0;
      await nodes[1].control.sendToGroup("red", { from: "red" });
      await nodes[1].control.sendToUser("ann", { from: "last" });
      await eventually(() => expect(ann.messages.at(-1)).toEqual({ from: "last" }));
      // The group was lost with everything else.
      expect(ann.messages).toEqual([{ from: "last" }]);
    },
    { withinMs: LONG_MS },
  );
}, 90_000);

async function subscribedChannels(): Promise<number> {
  // Its line to the server was cut as well.
  return (await redis.pubSubChannels("*session-stack:bus:user:ann")).length;
}

test("calls fail in time while Redis stands still, and afterwards nothing is left of connections that closed meanwhile", async () => {
  const names = Array.from({ length: 20 }, (_, at) => `user ${String(at).padStart(2, "0")}`);
  const lines = await Promise.all(names.map((user, at) => users.connect(user, at % 2)));
  for (const user of ["late", "later"]) await users.device(user);
  server.pause();
  const [going, staying] = [lines.slice(0, 10), lines.slice(10)];
  await Promise.all(going.map((each) => each.close()));

  const begun = performance.now();
  const { control } = nodes[0];
  await Promise.all([
    expect(control.join("ann", "red")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" }),
    expect(control.leave("ann", "red")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" }),
    expect(control.sendToUser("ann", {})).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" }),
    expect(control.sendToGroup("red", {})).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" }),
    expect(control.presence("red")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" }),
    expect(users.connect("late", 0)).rejects.toMatchObject({ statusCode: 503 }),
    expect(users.connect("later", 1)).rejects.toMatchObject({ statusCode: 503 }),
  ]);
  expect(performance.now() - begun).toBeLessThan(2 * TIMEOUT_MS);
  server.resume();

  await eventually(
    async () => {
      // Each of them once, and neither the remaining users nor those whose handshake was refused.
      expect(await offlineUsers()).toEqual(names.slice(0, 10));
      for (const [at, user] of names.entries()) await expectActive(user, at < 10 ? 0 : 1);
      for (const user of ["late", "later"]) await expectActive(user, 0);
      expect(await redis.keys("*session-stack:user:*:connections")).toHaveLength(10);
      expect(await redis.keys("*session-stack:connection:*:data")).toHaveLength(10);
    },
    { withinMs: LONG_MS },
  );
  for (const [at, each] of staying.entries()) await expectDelivered([each], names[10 + at] as string);
  expect(await offlineUsers()).toEqual(names.slice(0, 10));
}, 90_000);

test("no node counts as dead after Redis stood still for longer than all leases", async () => {
  const lines = await Promise.all([0, 1].map((node) => users.connect(`user ${node}`, node)));
  server.pause();
  await untilLeasesHaveRunOut();
  server.resume();
  await eventually(
    async () => {
      for (const node of [0, 1]) await expectActive(`user ${node}`, 1);
    },
    { withinMs: LONG_MS },
  );
  // Both nodes have had a tick since then, because they have written new activity.
  for (const [node, each] of lines.entries()) {
    const before = Date.now();
    each.ws.send(JSON.stringify({ event_type: "session.heartbeat", data: {} }));
    await eventually(async () => {
      const [entry] = await redis.zRangeWithScores(
        (await redis.keys(`*session-stack:user:user ${node}:connections`))[0] as string,
        0,
        -1,
      );
      expect(entry?.score).toBeGreaterThan(before - 1000);
    });
  }
  expect(await offlineUsers()).toEqual([]);
}, 90_000);
