import { eventually } from "../support/eventually.ts";
import { leaseEnd, untilRedisHas } from "../support/node-lease.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { quickestOf } from "../support/quickest-of.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import {
  ACK_TIMEOUT_MS,
  fiveConnections,
  LEASE_MS,
  msUntilClosed,
  NO_REVALIDATION_MS,
  UsersCluster,
} from "./users-cluster.ts";
import { type Line, startLine } from "./users-line.ts";

const REVALIDATE_MS = 1500;
/** Extra time for messages and the machine. Two revalidations take longer, even if the first is half a second early. */
const MESSAGES_MS = 900;

let line: Line;
let cluster: UsersCluster;
let redis: RedisClient;

beforeAll(async () => {
  cluster = await UsersCluster.start({
    revalidateMs: REVALIDATE_MS,
    async subscriberUrl({ port }) {
      line = await startLine(port);
      return line.url;
    },
  });
  redis = await connectRedis(cluster.redis.url);
});

afterEach(() => cluster?.closeDevices());

afterAll(async () => {
  redis?.destroy();
  await cluster?.stop();
  await line?.close();
});

/** Waits until both nodes receive each other's messages again. */
async function untilNodesHear(): Promise<void> {
  await eventually(
    async () => {
      // Before any call waits in vain.
      expect(
        (await redis.pubSubNumSub(["session-stack:bus:nodes"]))["session-stack:bus:nodes"],
      ).toBeGreaterThanOrEqual(2);
      const user = cluster.newUser();
      for (const node of cluster.nodes.keys()) {
        await cluster.newDevice().logIn(node, user);
        const { silentNodes } = await cluster.newDevice().deleteSessionsOf(node, user);
        expect(silentNodes).toEqual([]);
      }
    },
    { withinMs: 20_000 },
  );
}

describe("without the bus", () => {
  afterEach(async () => {
    line.restore();
    await untilNodesHear();
  });

  test.each([
    ["cut", "log-out", 4501],
    ["cut", "delete", 4501],
    ["cut", "regenerate", 4009],
    ["deafen", "log-out", 4501],
    ["deafen", "delete", 4501],
    ["deafen", "regenerate", 4009],
  ] as const)("(%s), %s closes all connections within one revalidation", async (fault, path, code) => {
    const limitMs = REVALIDATE_MS + MESSAGES_MS;
    const tookMs = await quickestOf(limitMs, async () => {
      line.restore();
      await untilNodesHear();
      const user = cluster.newUser();
      const device = cluster.newDevice();
      await device.logIn(0, user);
      // All are on the other node, which finds the end by itself, and for ten seconds also that it was a replacement.
      const inboxes = await fiveConnections(device, [1, 1, 1, 1, 1]);
      line[fault]();
      return msUntilClosed(inboxes, code, () => device.post(0, `/${path}`, { user }));
    });
    expect(tookMs).toBeLessThan(limitMs);
  });

  test("the receipt names the nodes that could not be reached", async () => {
    const user = cluster.newUser();
    const device = cluster.newDevice();
    await device.logIn(0, user);
    const { inbox } = await device.connect(1);
    line.cut();
    const begun = performance.now();
    const receipt = await cluster.newDevice().deleteSessionsOf(0, user);
    expect(performance.now() - begun).toBeLessThan(2 * ACK_TIMEOUT_MS);
    expect(receipt).toEqual({
      sessionsDeleted: 1,
      connectionsClosed: 0,
      silentNodes: [cluster.nodes[1]?.id],
    });
    await inbox.untilClosed();
  });
});

describe("a node that is not reachable", () => {
  // It checks no session by itself during the test.
  let third: NodeProcess;
  beforeAll(async () => {
    third = await cluster.startNode(NO_REVALIDATION_MS);
  });
  afterAll(() => third?.kill());

  test("is named in the receipt in time while it is stopped, and closes its connections at once when it continues", async () => {
    const user = cluster.newUser();
    const device = cluster.newDevice([cluster.nodes[0] as NodeProcess, third]);
    await device.logIn(0, user);
    const { inbox: here } = await device.connect(0);
    const { inbox: there } = await device.connect(1);
    third.pause();
    const begun = performance.now();
    const receipt = await cluster.newDevice().deleteSessionsOf(0, user);
    expect(performance.now() - begun).toBeLessThan(2 * ACK_TIMEOUT_MS);
    expect(receipt).toEqual({ sessionsDeleted: 1, connectionsClosed: 1, silentNodes: [third.id] });
    expect((await here.untilClosed()).code).toBe(4501);
    expect(there.closed).toBeUndefined();
    await msUntilClosed([there], 4501, async () => third.resume());
  });

  test("delays no call when it is stopped for longer than its lease, and closes its connections when it continues", async () => {
    const user = cluster.newUser();
    const device = cluster.newDevice([cluster.nodes[0] as NodeProcess, third]);
    await device.logIn(0, user);
    const { inbox } = await device.connect(1);
    third.pause();
    await untilRedisHas(redis, await leaseEnd(redis, { id: third.id, leaseMs: LEASE_MS }));
    expect((await cluster.newDevice().deleteSessionsOf(0, user)).silentNodes).toEqual([]);
    await msUntilClosed([inbox], 4501, async () => third.resume());
  });

  test("delays no call after it is killed and its lease has run out", async () => {
    const user = cluster.newUser();
    const device = cluster.newDevice([cluster.nodes[0] as NodeProcess, third]);
    await device.logIn(0, user);
    await device.connect(1);
    await third.kill();
    const end = await leaseEnd(redis, { id: third.id, leaseMs: LEASE_MS });
    expect((await cluster.newDevice().deleteSessionsOf(0, user)).silentNodes).toEqual([third.id]);
    await untilRedisHas(redis, end);
    for (const node of [0, 1]) {
      await cluster.newDevice().logIn(0, user);
      expect((await cluster.newDevice().deleteSessionsOf(node, user)).silentNodes).toEqual([]);
    }
  });
});

describe("after Redis has restarted empty", () => {
  test("connections of lost sessions close as soon as the nodes are connected again", async () => {
    const device = cluster.newDevice();
    await device.logIn(0, cluster.newUser());
    const inboxes = await fiveConnections(device);
    await cluster.redis.kill();
    // No connection closes while the nodes cannot read whether its session is gone.
    await expect(device.whoAmI(0)).rejects.toThrow("503");
    expect(inboxes.map(({ closed }) => closed)).toEqual(inboxes.map(() => undefined));
    await msUntilClosed(inboxes, 4501, () => cluster.redis.restart());
    await untilNodesHear();
  });

  test("a node is asked for its connections before its next renewal is due", async () => {
    const other = await startNodeProcess("test/integration/users-node-main.ts", {
      REDIS_URL: cluster.redis.url,
      LEASE_MS: "60000",
    });
    try {
      const pair = [cluster.nodes[0] as NodeProcess, other];
      await cluster.redis.restart();
      await untilNodesHear();
      // The node is listed again after its reconnection. Its next renewal would be in 20 s.
      await eventually(async () =>
        expect(await redis.zScore("session-stack:nodes", other.id)).not.toBeNull(),
      );
      const user = cluster.newUser();
      const device = cluster.newDevice(pair);
      await device.logIn(1, user);
      const { inbox } = await device.connect(1);
      const receipt = await cluster.newDevice(pair).deleteSessionsOf(0, user);
      expect(receipt).toEqual({ sessionsDeleted: 1, connectionsClosed: 1, silentNodes: [] });
      await inbox.untilClosed();
    } finally {
      await other.kill();
    }
  });
});
