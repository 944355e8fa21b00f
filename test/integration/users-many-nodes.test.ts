import type { DeletionReceipt } from "../../lib/index.ts";
import type { WebSocketInbox } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { Device } from "./users-device.ts";
import { type Line, startLine } from "./users-line.ts";

const LEASE_MS = 1500;
const REVALIDATE_MS = 1000;
const ACK_TIMEOUT_MS = 500;
/** What the messages and the machine may take beside it: two revalidations would be longer. */
const MESSAGES_MS = 750;

let redis: RedisServer;
let line: Line;
let nodes: NodeProcess[];
let devices: Device[] = [];
let lastUser = 0;

function startNode(revalidateMs: number): Promise<NodeProcess> {
  return startNodeProcess("test/integration/users-node-main.ts", {
    REDIS_URL: redis.url,
    SUBSCRIBER_URL: line.url,
    LEASE_MS: `${LEASE_MS}`,
    REVALIDATE_MS: `${revalidateMs}`,
    ACK_TIMEOUT_MS: `${ACK_TIMEOUT_MS}`,
  });
}

beforeAll(async () => {
  redis = await startRedisServer();
  line = await startLine(redis.port);
  nodes = await Promise.all([startNode(REVALIDATE_MS), startNode(REVALIDATE_MS)]);
}, 30_000);

afterEach(() => {
  for (const device of devices) device.close();
  devices = [];
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.kill()));
  await line?.close();
  await redis?.stop();
});

function newUser(): string {
  return `user ${++lastUser}`;
}

function newDevice(on: readonly NodeProcess[] = nodes): Device {
  const device = new Device(on);
  devices.push(device);
  return device;
}

/** Five connections of one session, by turns on each node. */
async function fiveConnections(device: Device): Promise<WebSocketInbox[]> {
  const opened = await Promise.all([0, 1, 0, 1, 0].map((node) => device.connect(node)));
  return opened.map(({ inbox }) => inbox);
}

/** Does what ends sessions, and answers after how many milliseconds from its beginning the last connection was closed. */
async function msUntilClosed(
  inboxes: readonly WebSocketInbox[],
  code: number,
  end: () => Promise<unknown>,
): Promise<number> {
  const begun = performance.now();
  const ended = end();
  const closes = await Promise.all(inboxes.map((inbox) => inbox.untilClosed()));
  const took = performance.now() - begun;
  await ended;
  expect(closes.map((close) => close.code)).toEqual(inboxes.map(() => code));
  return took;
}

/** Waits until both nodes hear each other again, however that was broken. */
async function untilNodesHear(): Promise<void> {
  await eventually(
    async () => {
      const user = newUser();
      for (const node of nodes.keys()) {
        await newDevice().logIn(node, user);
        const { silentNodes } = await newDevice().deleteSessionsOf(node, user);
        expect(silentNodes).toEqual([]);
      }
    },
    { withinMs: 10_000 },
  );
}

test("a hundred logins at once are all listed on both nodes, and all but the exception can be ended", async () => {
  const user = newUser();
  const own = newDevice();
  const others = Array.from({ length: 99 }, () => newDevice());
  const sids = await Promise.all([own, ...others].map((device, at) => device.logIn(at, user)));
  for (const node of nodes.keys()) {
    const listed = await own.sessionsOf(node, user);
    expect(listed.map(({ sid }) => sid).sort()).toEqual([...sids].sort());
    expect(listed.filter(({ current }) => current).map(({ sid }) => sid)).toEqual([sids[0]]);
  }

  const receipt = await own.deleteSessionsOf(1, user, sids[0]);
  expect(receipt).toEqual({ sessionsDeleted: 99, connectionsClosed: 0, silentNodes: [] });
  for (const node of nodes.keys()) {
    expect((await own.sessionsOf(node, user)).map(({ sid }) => sid)).toEqual([sids[0]]);
    expect((await own.whoAmI(node)).userId).toBe(user);
    const answers = await Promise.all(others.map((device) => device.copy().whoAmI(node)));
    expect(answers.filter(({ userId }) => userId !== undefined)).toEqual([]);
  }
});

describe("five connections on two nodes are closed within a second", () => {
  test.each([
    ["log-out", 4501],
    ["regenerate", 4009],
    ["log-in", 4009],
  ])("of %s, with %i, and those of the user's other session stay", async (path, code) => {
    const user = newUser();
    const [device, other] = [newDevice(), newDevice()];
    await device.logIn(0, user);
    await other.logIn(0, user);
    const inboxes = await fiveConnections(device);
    const { inbox: stays, ws } = await other.connect(1);

    expect(await msUntilClosed(inboxes, code, () => device.post(1, `/${path}`, { user }))).toBeLessThan(1000);
    ws.send(JSON.stringify({ type: "whoami" }));
    expect(await stays.nextJson()).toMatchObject({ userId: user });
  });

  test("of deleteUserSessions, with 4501, and the receipt counts them", async () => {
    const user = newUser();
    const signedIn = [newDevice(), newDevice(), newDevice()];
    for (const device of signedIn) await device.logIn(0, user);
    const opened = await Promise.all(
      [0, 1, 0, 1, 0].map((node, at) => (signedIn[at % 3] as Device).connect(node)),
    );
    const listed = await newDevice().sessionsOf(1, user);
    expect(listed.map(({ connections }) => connections).sort()).toEqual([1, 2, 2]);

    let receipt: DeletionReceipt | undefined;
    const took = await msUntilClosed(
      opened.map(({ inbox }) => inbox),
      4501,
      async () => {
        receipt = await newDevice().deleteSessionsOf(1, user);
      },
    );
    expect(took).toBeLessThan(1000);
    expect(receipt).toEqual({ sessionsDeleted: 3, connectionsClosed: 5, silentNodes: [] });
  });

  test("of deleteUserSession, with 4501, and no other's", async () => {
    const user = newUser();
    const [device, other] = [newDevice(), newDevice()];
    const sid = await device.logIn(0, user);
    await other.logIn(0, user);
    const inboxes = await fiveConnections(device);
    const { inbox: stays } = await other.connect(1);
    expect(await newDevice().post(1, "/delete-one", { user: "another", sid })).toBe(false);
    expect(inboxes.map(({ closed }) => closed)).toEqual(inboxes.map(() => undefined));
    const took = await msUntilClosed(inboxes, 4501, () => newDevice().post(1, "/delete-one", { user, sid }));
    expect(took).toBeLessThan(1000);
    expect(stays.closed).toBeUndefined();
  });
});

describe("no connection receives a broadcast that began after deleteUserSessions had resolved", () => {
  /** Broadcasts numbers on all nodes until told to stop; each broadcast waits for the one before it. */
  function broadcasting(user: string): { issued: () => number; stop: () => Promise<void> } {
    let number = 0;
    let isStopped = false;
    const loops = nodes.map(async (_, node) => {
      const device = newDevice();
      while (!isStopped) await device.post(node, "/broadcast", { user, text: `${++number}` });
    });
    return {
      issued: () => number,
      async stop() {
        isStopped = true;
        await Promise.all(loops);
      },
    };
  }

  test("to ten connections, in ten rounds", async () => {
    for (let round = 0; round < 10; round++) {
      const user = newUser();
      const signedIn = [newDevice(), newDevice()];
      for (const device of signedIn) await device.logIn(round, user);
      const inboxes = (await Promise.all(signedIn.map(fiveConnections))).flat();
      const broadcasts = broadcasting(user);
      await Promise.all(inboxes.map((inbox) => inbox.next()));

      await newDevice().deleteSessionsOf(round, user);
      const last = broadcasts.issued();
      await Promise.all(inboxes.map((inbox) => inbox.untilClosed()));
      await broadcasts.stop();
      const late = inboxes.flatMap(({ all }) => all.map(Number).filter((number) => number > last));
      expect(late).toEqual([]);
    }
  });

  test("also to those whose session was replaced shortly before, and which have not been closed yet", async () => {
    const user = newUser();
    const device = newDevice();
    await device.logIn(0, user);
    const inboxes = await fiveConnections(device);
    await device.logIn(0, user);
    await newDevice().deleteSessionsOf(0, user);
    for (const node of nodes.keys()) await newDevice().post(node, "/broadcast", { user, text: "late" });
    await Promise.all(inboxes.map((inbox) => inbox.untilClosed()));
    expect(inboxes.flatMap(({ all }) => all)).toEqual([]);
  });
});

describe("without the bus", () => {
  afterEach(async () => {
    line.restore();
    await untilNodesHear();
  });

  test.each([
    ["cut", "log-out", 4501],
    ["cut", "delete", 4501],
    ["cut", "regenerate", 4501],
    ["deafen", "log-out", 4501],
    ["deafen", "delete", 4501],
    ["deafen", "regenerate", 4501],
  ] as const)("(%s), %s closes all connections within one revalidation", async (fault, path, code) => {
    const user = newUser();
    const device = newDevice();
    await device.logIn(0, user);
    // All on the node that does not do it, and so finds it out by itself: that a session was replaced is not to be seen.
    const inboxes = (await Promise.all([1, 1, 1, 1, 1].map((node) => device.connect(node)))).map(
      ({ inbox }) => inbox,
    );
    line[fault]();
    const took = await msUntilClosed(inboxes, code, () => device.post(0, `/${path}`, { user }));
    expect(took).toBeLessThan(REVALIDATE_MS + MESSAGES_MS);
  });

  test("the receipt names the nodes that could not be reached", async () => {
    const user = newUser();
    const device = newDevice();
    await device.logIn(0, user);
    const { inbox } = await device.connect(1);
    line.cut();
    const begun = performance.now();
    const receipt = await newDevice().deleteSessionsOf(0, user);
    expect(performance.now() - begun).toBeLessThan(ACK_TIMEOUT_MS + 500);
    expect(receipt).toEqual({ sessionsDeleted: 1, connectionsClosed: 0, silentNodes: [nodes[1]?.id] });
    await inbox.untilClosed();
  });
});

describe("a node that is not there", () => {
  // It finds nothing out by itself in the time of a test.
  let third: NodeProcess;
  beforeAll(async () => {
    third = await startNode(600_000);
  }, 30_000);
  afterAll(() => third?.kill());

  test("stopped, it is named in time; continued, it closes its connections at once", async () => {
    const user = newUser();
    const device = newDevice([nodes[0] as NodeProcess, third]);
    await device.logIn(0, user);
    const { inbox: here } = await device.connect(0);
    const { inbox: there } = await device.connect(1);
    third.pause();
    const begun = performance.now();
    const receipt = await newDevice().deleteSessionsOf(0, user);
    expect(performance.now() - begun).toBeLessThan(ACK_TIMEOUT_MS + 500);
    expect(receipt).toEqual({ sessionsDeleted: 1, connectionsClosed: 1, silentNodes: [third.id] });
    expect((await here.untilClosed()).code).toBe(4501);
    expect(there.closed).toBeUndefined();
    expect(await msUntilClosed([there], 4501, async () => third.resume())).toBeLessThan(1000);
  });

  test("stopped for longer than its lease, it is not waited for, and closes its connections when it goes on", async () => {
    const user = newUser();
    const device = newDevice([nodes[0] as NodeProcess, third]);
    await device.logIn(0, user);
    const { inbox } = await device.connect(1);
    third.pause();
    await untilNotWaitedFor(third);
    expect((await newDevice().deleteSessionsOf(0, user)).silentNodes).toEqual([]);
    expect(await msUntilClosed([inbox], 4501, async () => third.resume())).toBeLessThan(1000);
  });

  test("killed, it is not waited for once its lease has run out", async () => {
    const user = newUser();
    const device = newDevice([nodes[0] as NodeProcess, third]);
    await device.logIn(0, user);
    await device.connect(1);
    await third.kill();
    const killedAt = performance.now();
    expect((await newDevice().deleteSessionsOf(0, user)).silentNodes).toEqual([third.id]);
    await untilNotWaitedFor(third);
    expect(performance.now() - killedAt).toBeLessThan(LEASE_MS + 2 * ACK_TIMEOUT_MS);
    await newDevice().logIn(0, user);
    const begun = performance.now();
    await newDevice().deleteSessionsOf(1, user);
    expect(performance.now() - begun).toBeLessThan(ACK_TIMEOUT_MS);
  });

  /** Ends sessions of somebody else until the node is no longer named. */
  async function untilNotWaitedFor({ id }: NodeProcess): Promise<void> {
    await eventually(async () => {
      const other = newUser();
      await newDevice().logIn(0, other);
      expect((await newDevice().deleteSessionsOf(0, other)).silentNodes).not.toContain(id);
    });
  }
});

describe("after Redis was restarted, empty", () => {
  test("the connections of sessions that are gone close as soon as the nodes are connected again", async () => {
    const device = newDevice();
    await device.logIn(0, newUser());
    const inboxes = await fiveConnections(device);
    await redis.kill();
    // Nobody is shown out while nobody can say whether the session is gone.
    await expect(device.whoAmI(0)).rejects.toThrow("503");
    expect(inboxes.map(({ closed }) => closed)).toEqual(inboxes.map(() => undefined));
    await redis.restart();
    const closes = await Promise.all(inboxes.map((inbox) => inbox.untilClosed()));
    expect(closes.map(({ code }) => code)).toEqual(inboxes.map(() => 4501));
    await untilNodesHear();
  });

  test("a node is asked for its connections before its lease would have been renewed", async () => {
    const other = await startNodeProcess("test/integration/users-node-main.ts", {
      REDIS_URL: redis.url,
      LEASE_MS: "60000",
    });
    try {
      const pair = [nodes[0] as NodeProcess, other];
      await redis.restart();
      await untilNodesHear();
      const user = newUser();
      const device = newDevice(pair);
      await device.logIn(1, user);
      const { inbox } = await device.connect(1);
      const receipt = await newDevice(pair).deleteSessionsOf(0, user);
      expect(receipt).toEqual({ sessionsDeleted: 1, connectionsClosed: 1, silentNodes: [] });
      await inbox.untilClosed();
    } finally {
      await other.kill();
    }
  }, 30_000);
});
