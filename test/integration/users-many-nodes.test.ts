import type { DeletionReceipt } from "../../lib/index.ts";
import { quickestOf } from "../support/quickest-of.ts";
import { fiveConnections, msUntilClosed, NO_REVALIDATION_MS, UsersCluster } from "./users-cluster.ts";
import type { Device } from "./users-device.ts";

let cluster: UsersCluster;

// Only messages close connections here: no node checks sessions by itself during a test.
beforeAll(async () => {
  cluster = await UsersCluster.start({ revalidateMs: NO_REVALIDATION_MS });
});

afterEach(() => cluster?.closeDevices());

afterAll(() => cluster?.stop());

test("a hundred logins at the same time are listed on both nodes, and all but the exception can be ended", async () => {
  const user = cluster.newUser();
  const own = cluster.newDevice();
  const others = Array.from({ length: 99 }, () => cluster.newDevice());
  const sids = await Promise.all([own, ...others].map((device, at) => device.logIn(at, user)));
  for (const node of cluster.nodes.keys()) {
    const listed = await own.sessionsOf(node, user);
    expect(listed.map(({ sid }) => sid).sort()).toEqual([...sids].sort());
    expect(listed.filter(({ current }) => current).map(({ sid }) => sid)).toEqual([sids[0]]);
  }

  const receipt = await own.deleteSessionsOf(1, user, sids[0]);
  expect(receipt).toEqual({ sessionsDeleted: 99, connectionsClosed: 0, silentNodes: [] });
  for (const node of cluster.nodes.keys()) {
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
  ])("after %s with %i, and those of the user's other session stay open", async (path, code) => {
    const tookMs = await quickestOf(1000, async () => {
      const user = cluster.newUser();
      const [device, other] = [cluster.newDevice(), cluster.newDevice()];
      await device.logIn(0, user);
      await other.logIn(0, user);
      const inboxes = await fiveConnections(device);
      const { inbox: stays, ws } = await other.connect(1);

      const took = await msUntilClosed(inboxes, code, () => device.post(1, `/${path}`, { user }));
      ws.send(JSON.stringify({ type: "whoami" }));
      expect(await stays.nextJson()).toMatchObject({ userId: user });
      return took;
    });
    expect(tookMs).toBeLessThan(1000);
  });

  test("after deleteUserSessions with 4501, and the receipt counts them", async () => {
    const tookMs = await quickestOf(1000, async () => {
      const user = cluster.newUser();
      const signedIn = [cluster.newDevice(), cluster.newDevice(), cluster.newDevice()];
      for (const device of signedIn) await device.logIn(0, user);
      const opened = await Promise.all(
        [0, 1, 0, 1, 0].map((node, at) => (signedIn[at % 3] as Device).connect(node)),
      );
      const listed = await cluster.newDevice().sessionsOf(1, user);
      expect(listed.map(({ connections }) => connections).sort()).toEqual([1, 2, 2]);

      let receipt: DeletionReceipt | undefined;
      const inboxes = opened.map(({ inbox }) => inbox);
      const took = await msUntilClosed(inboxes, 4501, async () => {
        receipt = await cluster.newDevice().deleteSessionsOf(1, user);
      });
      expect(receipt).toEqual({ sessionsDeleted: 3, connectionsClosed: 5, silentNodes: [] });
      return took;
    });
    expect(tookMs).toBeLessThan(1000);
  });

  test("after deleteUserSession with 4501, and no others", async () => {
    const tookMs = await quickestOf(1000, async () => {
      const user = cluster.newUser();
      const [device, other] = [cluster.newDevice(), cluster.newDevice()];
      const sid = await device.logIn(0, user);
      await other.logIn(0, user);
      const inboxes = await fiveConnections(device);
      const { inbox: stays } = await other.connect(1);
      expect(await cluster.newDevice().post(1, "/delete-one", { user: "another", sid })).toBe(false);
      expect(inboxes.map(({ closed }) => closed)).toEqual(inboxes.map(() => undefined));
      const end = () => cluster.newDevice().post(1, "/delete-one", { user, sid });
      const took = await msUntilClosed(inboxes, 4501, end);
      expect(stays.closed).toBeUndefined();
      return took;
    });
    expect(tookMs).toBeLessThan(1000);
  });
});

describe("no connection receives a broadcast that began after deleteUserSessions had resolved", () => {
  /** Broadcasts numbers on all nodes until it is stopped. Each broadcast waits for the previous one. */
  function broadcasting(user: string): { issued: () => number; stop: () => Promise<void> } {
    let number = 0;
    let isStopped = false;
    const loops = cluster.nodes.map(async (_, node) => {
      const device = cluster.newDevice();
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
      const user = cluster.newUser();
      const signedIn = [cluster.newDevice(), cluster.newDevice()];
      for (const device of signedIn) await device.logIn(round, user);
      const inboxes = (await Promise.all(signedIn.map((device) => fiveConnections(device)))).flat();
      const broadcasts = broadcasting(user);
      await Promise.all(inboxes.map((inbox) => inbox.next()));

      const { silentNodes } = await cluster.newDevice().deleteSessionsOf(round, user);
      const last = broadcasts.issued();
      // A node that did not answer gives no guarantee.
      expect(silentNodes).toEqual([]);
      await Promise.all(inboxes.map((inbox) => inbox.untilClosed()));
      await broadcasts.stop();
      const late = inboxes.flatMap(({ all }) => all.map(Number).filter((number) => number > last));
      expect(late).toEqual([]);
    }
  });

  test("not even one whose session was just replaced and which is not yet closed", async () => {
    const user = cluster.newUser();
    const device = cluster.newDevice();
    await device.logIn(0, user);
    const inboxes = await fiveConnections(device);
    await device.logIn(0, user);
    expect((await cluster.newDevice().deleteSessionsOf(0, user)).silentNodes).toEqual([]);
    for (const node of cluster.nodes.keys())
      await cluster.newDevice().post(node, "/broadcast", { user, text: "late" });
    await Promise.all(inboxes.map((inbox) => inbox.untilClosed()));
    expect(inboxes.flatMap(({ all }) => all)).toEqual([]);
  });
});
