import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RealtimeNode, startRealtimeNode, Users } from "./realtime-nodes.ts";

const LEASE_MS = 3000;
/** The time that leases and ticks may need on a busy machine. */
const LONG_MS = 25_000;

let redis: RedisClient;
let prefix: string;
let nodes: [RealtimeNode, RealtimeNode];
let users: Users;

beforeAll(async () => {
  redis = await connectRedis();
});

async function start(leaseMs: number): Promise<void> {
  prefix = uniquePrefix("pause");
  const options = { redisUrl: process.env.REDIS_URL as string, prefix, leaseMs, graceMs: 0 };
  nodes = await Promise.all([startRealtimeNode(options), startRealtimeNode(options)]);
  users = new Users(nodes);
}

afterEach(async () => {
  await Promise.all((nodes ?? []).map((node) => node.kill()));
  await users?.close();
});

afterAll(() => redis?.destroy());

async function toldOf(user: string): Promise<string[]> {
  const told = await Promise.all(nodes.map(({ control }) => control.told()));
  return told
    .flat()
    .filter(({ event, userId }) => userId === user && (event === "online" || event === "offline"))
    .map(({ event }) => event);
}

/** Stops the second node until the first has cleared it. */
async function pauseUntilCleared(user: string): Promise<void> {
  const [here, there] = nodes;
  there.pause();
  await eventually(
    async () => {
      expect(await here.control.activeSessions(user)).toEqual([]);
      expect(await redis.exists(`${prefix}session-stack:node:${there.id}:connections`)).toBe(0);
      expect(await redis.sMembers(`${prefix}session-stack:nodes:connected`)).not.toContain(there.id);
    },
    { withinMs: LONG_MS },
  );
}

test("a node that stops for longer than its lease is cleared, and has its connections again when it continues", async () => {
  await start(LEASE_MS);
  const [here, there] = nodes;
  await here.control.join("ann", "red");
  const line = await users.connect("ann", 1);
  await users.connect("bob", 1);
  await users.connect("bob", 0);
  expect(await here.control.presence("red")).toEqual(["ann"]);

  await pauseUntilCleared("ann");
  expect(await here.control.presence("red")).toEqual([]);
  expect((await here.control.told()).filter(({ event }) => event === "offline")).toEqual([
    { event: "offline", userId: "ann" },
  ]);
  expect((await here.control.activeSessions("bob")).map(({ node }) => node)).toEqual([here.id]);
  await here.control.leave("ann", "red");
  await here.control.join("ann", "blue");

  there.resume();
  await eventually(
    async () => {
      for (const { control } of nodes) {
        expect((await control.activeSessions("ann")).map(({ node }) => node)).toEqual([there.id]);
        expect(await control.activeSessions("bob")).toHaveLength(2);
        expect(await control.presence("blue")).toEqual(["ann"]);
      }
      expect((await toldOf("ann")).sort()).toEqual(["offline", "online", "online"]);
    },
    { withinMs: LONG_MS },
  );
  expect(await toldOf("bob")).toEqual(["online"]);

  for (const group of ["red", "blue"]) await here.control.sendToGroup(group, { from: group });
  await here.control.sendToUser("ann", { from: "last" });
  await eventually(() => expect(line.messages.at(-1)).toEqual({ from: "last" }), { withinMs: LONG_MS });
  expect(line.messages).toEqual([{ from: "blue" }, { from: "last" }]);
  expect(line.inbox.closed).toBeUndefined();
}, 90_000);

test("a node that dies right after it continues, before any user was active, is cleared as well", async () => {
  await start(LEASE_MS);
  const [here, there] = nodes;
  await users.connect("ann", 1);
  await pauseUntilCleared("ann");
  there.resume();
  await eventually(async () => expect(await here.control.activeSessions("ann")).toHaveLength(1), {
    withinMs: LONG_MS,
  });
  await there.kill();
  await eventually(
    async () => {
      expect(await redis.keys(`${prefix}session-stack:user:*:connections`)).toEqual([]);
      expect(await redis.keys(`${prefix}session-stack:node:*`)).toEqual([]);
      expect(await redis.sMembers(`${prefix}session-stack:nodes:connected`)).not.toContain(there.id);
    },
    { withinMs: LONG_MS },
  );
  const told = await here.control.told();
  expect(told.filter(({ event }) => event === "offline")).toHaveLength(2);
}, 90_000);

test("a node that stops for longer than its lease delivers nothing of a group that was left meanwhile, and the rest in order", async () => {
  await start(LEASE_MS);
  const [here, there] = nodes;
  for (const group of ["red", "blue"]) await here.control.join("ann", group);
  const line = await users.connect("ann", 1);
  await pauseUntilCleared("ann");
  // Nobody waits for it any more, so it continues without knowing of the leave.
  await here.control.leave("ann", "red");
  for (let n = 0; n < 20; n++) {
    for (const group of ["red", "blue"]) await here.control.sendToGroup(group, { from: `${group} ${n}` });
  }
  await here.control.sendToUser("ann", { from: "last" });
  there.resume();
  await eventually(() => expect(line.messages.at(-1)).toEqual({ from: "last" }), { withinMs: LONG_MS });
  const expected = Array.from({ length: 20 }, (_, n) => ({ from: `blue ${n}` }));
  expect(line.messages).toEqual([...expected, { from: "last" }]);
}, 90_000);

test("a node that stops for a moment delivers nothing of a group that was left meanwhile", async () => {
  await start(10_000);
  const [here, there] = nodes;
  for (const group of ["red", "blue"]) await here.control.join("ann", group);
  const line = await users.connect("ann", 1);
  there.pause();
  // The node cannot answer, so the leave waits as long as it waits for any node.
  await here.control.leave("ann", "red");
  for (const group of ["red", "blue"]) await here.control.sendToGroup(group, { from: group });
  there.resume();
  await eventually(() => expect(line.messages.at(-1)).toEqual({ from: "blue" }), { withinMs: LONG_MS });
  expect(line.messages).toEqual([{ from: "blue" }]);
}, 90_000);

// Once, it delivered hundreds of messages after the sessions were deleted, and handled events from before that.
test("a node that stops for longer than its lease delivers and handles nothing of a user whose sessions were deleted meanwhile", async () => {
  await start(LEASE_MS);
  const [here, there] = nodes;
  await here.control.join("bob", "red");
  const line = await users.connect("ann", 1);
  const bob = await users.connect("bob", 0);
  const stays = await users.connect("eve", 1);
  await pauseUntilCleared("ann");
  for (let n = 0; n < 10; n++) {
    for (const { ws } of [line, stays])
      ws.send(
        JSON.stringify({ event_type: "say", data: { group: "red", from: ws === line.ws ? "ann" : "eve" } }),
      );
  }
  expect(await here.control.deleteUserSessions("ann")).toMatchObject({ sessionsDeleted: 1, silentNodes: [] });
  for (let n = 0; n < 200; n++) await here.control.sendToUser("ann", { from: `${n}` });
  await here.control.sendToUser("eve", { from: "last" });
  there.resume();
  expect(await line.inbox.untilClosed()).toMatchObject({ code: 4501 });
  expect(line.messages).toEqual([]);
  await eventually(() => expect(stays.messages).toEqual([{ from: "last" }]), { withinMs: LONG_MS });
  await eventually(() => expect(bob.messages).toHaveLength(10), { withinMs: LONG_MS });
  expect(new Set(bob.messages.map(({ from }) => from))).toEqual(new Set(["eve"]));
}, 90_000);
