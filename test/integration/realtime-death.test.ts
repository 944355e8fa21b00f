import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { leaseEnd, redisNow, untilRedisHas } from "../support/node-lease.ts";
import { quickestOf } from "../support/quickest-of.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import type { RealtimeLine } from "./realtime-line.ts";
import { type RealtimeNode, startRealtimeNode, Users } from "./realtime-nodes.ts";

const LEASE_MS = 3000;
/** A tick that finds the lease over, a tick that finds nothing left, and the time of both. */
const CLEARING_MS = 2 * 1000 + 500;
/** The time that leases, ticks and graces may need on a busy machine. */
const LONG_MS = 25_000;

let redis: RedisClient;
let prefix: string;
let nodes: RealtimeNode[] = [];
let users: Users;

beforeAll(async () => {
  redis = await connectRedis();
});

beforeEach(() => {
  prefix = uniquePrefix("death");
});

afterEach(async () => {
  await users?.close();
  await Promise.all(nodes.map((node) => node.kill()));
});

afterAll(() => redis?.destroy());

async function start(count: number, graceMs: number): Promise<void> {
  nodes = await Promise.all(Array.from({ length: count }, () => startNode(graceMs)));
  users = new Users(nodes);
}

function startNode(graceMs: number): Promise<RealtimeNode> {
  const redisUrl = process.env.REDIS_URL as string;
  return startRealtimeNode({ redisUrl, prefix, leaseMs: LEASE_MS, graceMs });
}

/** The users in the events of these nodes, sorted. */
async function toldBy(tellers: readonly RealtimeNode[], event: "online" | "offline"): Promise<string[]> {
  const told = await Promise.all(tellers.map(({ control }) => control.told()));
  return told
    .flat()
    .filter((each) => each.event === event)
    .map(({ userId }) => userId as string)
    .sort();
}

/** Asserts that nothing in Redis names one of these nodes. */
async function expectNoTraceOf(dead: readonly RealtimeNode[]): Promise<void> {
  const isOfDead = (text: string) => dead.some(({ id }) => text.includes(id));
  const keys = await redis.keys(`${prefix}*`);
  expect(keys.filter(isOfDead)).toEqual([]);
  expect((await redis.zRange(`${prefix}session-stack:nodes`, 0, -1)).filter(isOfDead)).toEqual([]);
  expect((await redis.sMembers(`${prefix}session-stack:nodes:connected`)).filter(isOfDead)).toEqual([]);
  for (const key of keys.filter((name) => name.endsWith(":connections") && name.includes("user:"))) {
    expect((await redis.zRange(key, 0, -1)).filter(isOfDead)).toEqual([]);
  }
}

const named = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `user ${String(from + at).padStart(2, "0")}`);

describe.each([
  { survivors: 1, graceMs: 0 },
  { survivors: 2, graceMs: 0 },
  { survivors: 2, graceMs: LEASE_MS + 700 },
])("a node dies before $survivors others, graceMs $graceMs", ({ survivors: count, graceMs }) => {
  test("its 100 connections of 60 users are gone, and each offline user is reported once", async () => {
    await start(1 + count, graceMs);
    const survivors = nodes.slice(0, -1);
    const [[survivor], dead] = [survivors, nodes.at(-1)] as unknown as [[RealtimeNode], RealtimeNode];
    const all = named(0, 60);
    const [elsewhere, returning] = [named(0, 10), named(10, 20)];
    const gone = all.slice(20);
    await Promise.all(all.map((user) => survivor.control.join(user, "red")));
    await Promise.all([...all, ...all.slice(0, 40)].map((user) => users.connect(user, count)));
    await Promise.all(elsewhere.map((user) => users.connect(user, 0)));
    expect(await dead.control.connectionIds()).toHaveLength(100);
    expect((await survivor.control.presence("red")).sort()).toEqual(all);
    expect(await redis.keys(`${prefix}session-stack:connection:${dead.id}*`)).toHaveLength(100);

    await dead.kill();
    const end = await leaseEnd(redis, { id: dead.id, prefix, leaseMs: LEASE_MS });
    await Promise.all(returning.map((user, at) => users.connect(user, at % count)));
    await untilRedisHas(redis, end);
    // At once, whether the dead node is already cleared or not.
    for (const { control } of survivors) {
      const sessions = await Promise.all(all.map((user) => control.activeSessions(user)));
      expect(sessions.flat().filter(({ node }) => node === dead.id)).toEqual([]);
    }
    await eventually(
      async () => {
        expect((await survivor.control.presence("red")).sort()).toEqual([...elsewhere, ...returning]);
        expect(await toldBy(survivors, "offline")).toEqual(gone);
        await expectNoTraceOf([dead]);
      },
      { withinMs: LONG_MS },
    );
    for (const { control } of survivors) {
      const sessions = await Promise.all(all.map((user) => control.activeSessions(user)));
      expect(sessions.map(({ length }) => length)).toEqual(all.map((_, at) => (at < 20 ? 1 : 0)));
      expect(sessions.flat().filter(({ node }) => node === dead.id)).toEqual([]);
    }
    expect(await redis.keys(`${prefix}session-stack:user:*:connections`)).toHaveLength(20);

    // After a further tick on each node, to show that nothing is reported twice.
    await untilOneMoreTick(survivors);
    const visitors = survivors.map((_, at) => `visitor ${at}`);
    expect(await toldBy(survivors, "offline")).toEqual([...gone, ...visitors]);
    expect(await toldBy(survivors, "online")).toEqual(visitors);
  }, 90_000);
});

test("a user is offline without a trace within two ticks after the end of a dead node's lease", async () => {
  const lateMs = await quickestOf(CLEARING_MS, async () => {
    await start(2, 0);
    const [survivor, dead] = nodes as [RealtimeNode, RealtimeNode];
    await users.connect("ann", 1);
    await dead.kill();
    const end = await leaseEnd(redis, { id: dead.id, prefix, leaseMs: LEASE_MS });
    await eventually(
      async () => {
        expect(await toldBy([survivor], "offline")).toEqual(["ann"]);
        await expectNoTraceOf([dead]);
      },
      { withinMs: LONG_MS },
    );
    const late = (await redisNow(redis)) - end;
    await users.close();
    await survivor.kill();
    return late;
  });
  expect(lateMs).toBeLessThan(CLEARING_MS);
}, 90_000);

/** Connects and disconnects an active user on each node. The node writes the activity with a tick. */
async function untilOneMoreTick(survivors: readonly RealtimeNode[]): Promise<void> {
  await Promise.all(
    survivors.map(async ({ control }, at) => {
      const visitor = `visitor ${at}`;
      const line = await users.connect(visitor, at);
      const [before] = await scores(visitor);
      await eventually(
        async () => {
          // Several times, because the first message may come in the millisecond of the arrival.
          line.ws.send(JSON.stringify({ event_type: "session.heartbeat", data: {} }));
          await delay(100);
          expect((await scores(visitor))[0]).toBeGreaterThan(before as number);
        },
        { withinMs: LONG_MS },
      );
      await line.close();
      await eventually(async () => expect(await toldBy([...survivors], "offline")).toContain(visitor), {
        withinMs: LONG_MS,
      });
      expect(await control.activeSessions(visitor)).toEqual([]);
    }),
  );
}

async function scores(user: string): Promise<number[]> {
  const entries = await redis.zRangeWithScores(`${prefix}session-stack:user:${user}:connections`, 0, -1);
  return entries.map(({ score }) => score);
}

test("a user who was leaving when the user's node died goes offline once", async () => {
  const graceMs = 6000;
  await start(3, graceMs);
  const survivors = nodes.slice(0, -1);
  const dead = nodes.at(-1) as RealtimeNode;
  await (await users.connect("leaving", 2)).close();
  await users.connect("there", 2);
  await dead.kill();
  await eventually(
    async () => {
      expect(await toldBy(survivors, "offline")).toEqual(["leaving", "there"]);
      await expectNoTraceOf([dead]);
    },
    { withinMs: LONG_MS },
  );
  expect(await redis.keys(`${prefix}session-stack:user:*:connections`)).toEqual([]);
}, 90_000);

test("a node that is killed during handshakes and closes leaves nothing", async () => {
  await start(2, 0);
  const [survivor, dead] = nodes as [RealtimeNode, RealtimeNode];
  const names = named(0, 8);
  await Promise.all(names.map((user) => users.device(user)));
  const working = names.map(async (user) => {
    for (;;) await (await users.connect(user, 1)).close();
  });
  for (const each of working) each.catch(() => {});
  await eventually(async () => expect((await dead.control.told()).length).toBeGreaterThan(200), {
    withinMs: LONG_MS,
  });
  await dead.kill();
  await Promise.allSettled(working);
  await eventually(() => expectNoTraceOf([dead]), { withinMs: LONG_MS });
  expect(await redis.keys(`${prefix}session-stack:user:*:connections`)).toEqual([]);
  for (const user of names) expect(await survivor.control.activeSessions(user)).toEqual([]);
}, 90_000);

test("after the death of all nodes, the next one that starts clears up", async () => {
  await start(2, 0);
  const dead = nodes;
  const names = named(0, 20);
  await Promise.all(names.map((user) => dead[0]?.control.join(user, "red")));
  const lines: RealtimeLine[] = await Promise.all(names.map((user, at) => users.connect(user, at % 2)));
  await Promise.all(dead.map((node) => node.kill()));
  await Promise.all(lines.map((line) => line.inbox.untilClosed(LONG_MS)));

  const next = await startNode(0);
  nodes = [...dead, next];
  await eventually(
    async () => {
      expect(await toldBy([next], "offline")).toEqual(names);
      await expectNoTraceOf(dead);
    },
    { withinMs: LONG_MS },
  );
  expect(await redis.keys(`${prefix}session-stack:user:*:connections`)).toEqual([]);
  expect(await next.control.presence("red")).toEqual([]);
  expect((await next.control.members("red")).sort()).toEqual(names);
}, 90_000);
