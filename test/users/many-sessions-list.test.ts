import { inBatches } from "../../lib/calls/in-batches.ts";
import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { aroundCalls } from "../support/redis-client.ts";
import { besideOthers, living, MANY, sidsOf, storeSessions } from "./many-sessions.ts";
import { indexed, me, places, redisPlace, type Served, serve, sidOf, signIn } from "./support.ts";

describe.each(places)("on $place, of a user with 12,000 sessions", ({ open }) => {
  let backend: Backend;
  let served: Served;
  const sids = sidsOf("ada");

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
    await storeSessions(backend, "ada", sids);
  });

  // Once, all of them were read at once, and refused.
  test("listUserSessions lists the 1,000 sessions that expire last, or as many as `limit` says", async () => {
    const { listUserSessions } = served.users;
    const lists = await besideOthers(served, () =>
      Promise.all(Array.from({ length: 20 }, () => listUserSessions("ada"))),
    );
    for (const list of lists) expect(list.map(({ sid }) => sid)).toEqual(sids.slice(-1_000).reverse());
    const few = await listUserSessions("ada", undefined, { limit: 3 });
    expect(few.map(({ sid }) => sid)).toEqual(sids.slice(-3).reverse());
    const all = await besideOthers(served, () => listUserSessions("ada", undefined, { limit: Infinity }));
    expect(all.map(({ sid }) => sid)).toEqual([...sids].reverse());
  });

  test("a maxSessionsPerUser that is set later ends some sessions at each login, and never that login's", async () => {
    const limited = await serve({ backend, users: { maxSessionsPerUser: 5 } });
    let before = MANY;
    for (let n = 0; n < 3; n++) {
      const browser = await besideOthers(limited, () => signIn(limited));
      expect(await me(browser)).toHaveProperty("login");
      const now = (await indexed(backend, "ada")).length;
      expect(now).toBeLessThanOrEqual(before - 50);
      expect(now).toBeGreaterThanOrEqual(before - 200);
      before = now;
    }
    expect(limited.errors).toEqual([]);
  });
});

describe.each(places)("maxSessionsPerUser that is set later on $place", ({ open }) => {
  test("is reached by logins, whose sessions stay, also beside entries without sessions", async () => {
    const backend = await open();
    const sids = sidsOf("ada", 300);
    await storeSessions(backend, "ada", sids);
    for (const sid of sids.slice(0, 150)) await backend.sessions.remove(sid);
    const served = await serve({ backend, users: { maxSessionsPerUser: 5 } });
    const browsers = [];
    for (let n = 0; n < 5; n++) browsers.push(await signIn(served));
    expect(await indexed(backend, "ada")).toEqual(browsers.map(sidOf).sort());
    expect(await living(backend, sids)).toBe(0);
    for (const browser of browsers) expect(await me(browser)).toHaveProperty("login");
    expect(served.errors).toEqual([]);
  });

  test("ends the oldest logins above the limit, whichever sessions expire first", async () => {
    const backend = await open();
    const at = Date.now() - 60_000;
    // The latest logins expire first.
    const [old, late] = [sidsOf("old", 3), sidsOf("late", 3)];
    await storeSessions(backend, "ada", late, { at: at + 10_000 });
    await storeSessions(backend, "ada", old, { at });
    for (const sid of old) await backend.sessionIndex.extend("ada", sid, 7_200_000);
    const served = await serve({ backend, users: { maxSessionsPerUser: 4 } });
    const browser = await signIn(served);
    expect(await indexed(backend, "ada")).toEqual([...late, sidOf(browser)].sort());
  });
});

describe.each(places)("verifyUserSessions on $place", ({ open }) => {
  test("finds and repairs several batches of differences", async () => {
    const backend = await open();
    const served = await serve({ backend });
    const { verifyUserSessions, deleteUserSessions } = served.users;
    const [orphans, dangling] = [sidsOf("orphan", 2_500), sidsOf("dangling", 2_500)];
    await storeSessions(backend, "ada", orphans, { isIndexed: false });
    await inBatches(dangling, (sid) => backend.sessionIndex.enter("ada", sid, 3_600_000));
    const findings = await besideOthers(served, () => verifyUserSessions("ada", { repair: true }));
    expect([...findings.orphans].sort()).toEqual(orphans);
    expect([...findings.dangling].sort()).toEqual(dangling);
    expect(await verifyUserSessions("ada")).toEqual({ orphans: [], dangling: [] });
    expect((await deleteUserSessions("ada")).sessionsDeleted).toBe(2_500);
    expect(await living(backend, orphans)).toBe(0);
  });
});

describe("on Redis", () => {
  // Once, each login read all entries of its user.
  test("a login reads no more entries of a user with 12,000 than with 100, and removes expired ones", async () => {
    const answers: number[] = [];
    const watching = await redisPlace({}, (client) =>
      aroundCalls(client, async (name, _args, run) => {
        const answer = await run();
        if (name.startsWith("zRange")) answers.push((answer as unknown[]).length);
        return answer;
      }),
    );
    const { backend, client, prefix } = watching;
    const served = await serve({ backend });
    await signIn(served);
    const key = `${prefix}session-stack:user:ada:sessions`;
    const over = Array.from({ length: MANY }, (_, n) => ({ value: `over-${n}`, score: 1_000_000 + n }));
    await client.zAdd(key, over);
    for (let left = MANY; left > MANY - 500; left -= 100) {
      answers.length = 0;
      await signIn(served);
      await eventually(async () => expect(await client.zCount(key, 1, 1_000_000 + MANY)).toBe(left - 100));
      for (const length of answers) expect(length).toBeLessThanOrEqual(100);
    }
  });

  // It would stand before those that are over, whose turn would never come.
  test("a login corrects entries that expire before their sessions", async () => {
    const { backend, client, prefix } = await redisPlace();
    const served = await serve({ backend });
    const sids = sidsOf("ada", 150);
    await storeSessions(backend, "ada", sids);
    const key = `${prefix}session-stack:user:ada:sessions`;
    await client.zAdd(
      key,
      sids.map((value, n) => ({ value, score: 1_000 + n })),
    );
    await client.zAdd(key, { value: "over", score: 5_000 });
    await signIn(served);
    await eventually(async () => expect(await client.zCount(key, 1, 10_000)).toBe(51));
    await signIn(served);
    await eventually(async () => expect(await client.zCount(key, 1, 10_000)).toBe(0));
    expect(await client.zScore(key, "over")).toBeNull();
    expect(await client.zCard(key)).toBe(152);
  });
});
