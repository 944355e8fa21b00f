import { REPLACED_KNOWN_MS } from "../../lib/sessions/session-store.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { Device } from "./users-device.ts";

const LOGINS = Number(process.env.LOGINS ?? 10_000);
const USERS = 500;
const AT_ONCE = 64;
const LEASE_MS = 1500;
const MAX_AGE_MS = 3000;
/** The store knows for longer that a session was replaced. */
const LONGEST_MS = Math.max(MAX_AGE_MS, REPLACED_KNOWN_MS);

let redis: RedisServer;
let client: RedisClient;
let nodes: NodeProcess[] = [];
let devices: Device[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
  client = await connectRedis(redis.url);
});

beforeEach(async () => {
  nodes = await Promise.all([startNode(), startNode()]);
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  for (const device of devices) device.close();
  devices = [];
});

afterAll(async () => {
  client?.destroy();
  await redis?.stop();
});

function startNode(): Promise<NodeProcess> {
  return startNodeProcess("test/integration/users-node-main.ts", {
    REDIS_URL: redis.url,
    LEASE_MS: `${LEASE_MS}`,
    MAX_AGE_MS: `${MAX_AGE_MS}`,
  });
}

function newDevice(): Device {
  const device = new Device(nodes);
  devices.push(device);
  return device;
}

async function assertNothingIsLeft(): Promise<void> {
  expect(await client.keys("*")).toEqual([]);
  expect(await client.dbSize()).toBe(0);
}

test(`after ${LOGINS} logins, and a crash of all nodes, nothing is left once the sessions have expired`, async () => {
  let next = 0;
  async function logInAgainAndAgain(): Promise<void> {
    const device = newDevice();
    for (let at = next++; at < LOGINS; at = next++) {
      const user = `user ${at % USERS}`;
      // Most sessions are abandoned. Of the others some are replaced by the next one, and some change their user.
      if (at % 5 > 1) device.forget();
      await device.post(at, at % 2 === 0 ? "/log-in" : "/log-in-in-place", { user });
      if (at % 50 === 7) await device.sessionsOf(at, user);
      if (at % 50 === 17) await device.deleteSessionsOf(at, user);
      if (at % 50 === 27) await device.post(at, "/log-out");
      if (at % 50 === 37) await device.post(at, "/log-out-in-place");
      if (at % 50 === 47) await device.post(at, "/set", { key: "at", value: `${at}` });
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, logInAgainAndAgain));
  await Promise.all(devices.slice(0, 10).map((device, at) => device.connect(at)));
  expect(await client.dbSize()).toBeGreaterThan(USERS + AT_ONCE);

  await Promise.all(nodes.map((node) => node.kill()));
  await eventually(assertNothingIsLeft, { withinMs: LONGEST_MS + 6000 });
}, 180_000);

test("nodes that are killed during logins, listings and deletions leave nothing either", async () => {
  async function workUntilItEnds(device: Device, at: number): Promise<void> {
    const user = `user ${at % 5}`;
    for (;;) {
      device.forget();
      await device.post(at, "/log-in", { user });
      await device.post(at, "/log-in-in-place", { user: `other ${at % 5}` });
      await device.sessionsOf(at, user);
      if (at === 0) await device.deleteSessionsOf(at, user);
    }
  }
  const working = Array.from({ length: 16 }, (_, at) => workUntilItEnds(newDevice(), at).catch(() => {}));
  await eventually(async () => expect(await client.dbSize()).toBeGreaterThan(100));
  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(working);
  await eventually(assertNothingIsLeft, { withinMs: LONGEST_MS + 6000 });
});

test("a user who logs in again and again without a listing accumulates no entries", async () => {
  const comes = newDevice();
  for (let at = 0; at < 20; at++) {
    await comes.logIn(at, "regular");
    comes.forget();
  }
  // The abandoned sessions expire. Each further login replaces the previous session.
  await eventually(
    async () => {
      await comes.logIn(0, "regular");
      expect(await client.zCard("session-stack:user:regular:sessions")).toBe(1);
    },
    { withinMs: 2 * MAX_AGE_MS + 2000 },
  );
});
