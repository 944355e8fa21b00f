import type { SessionData } from "express-session";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import { describeSessionIndex } from "../../lib/testing/describe-session-index.ts";
import { minuteMs, range } from "../../lib/testing/session-index-suite/index-state.ts";
import { raceLogins } from "../../lib/testing/session-index-suite/races.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, type RedisClusterClient, startRedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
let client: RedisClusterClient;

beforeAll(async () => {
  cluster = await startRedisCluster();
  client = await cluster.connect();
}, 40_000);

afterAll(async () => {
  client?.destroy();
  await cluster?.stop();
});

describeSessionIndex("RedisSessionIndex on a cluster", {
  create: () => new RedisSessionIndex(client, uniquePrefix("index")),
});

describe("On a cluster", () => {
  it("the users are spread over all masters", async () => {
    const prefix = uniquePrefix("index");
    const index = new RedisSessionIndex(client, prefix);
    await Promise.all(range(60).map((n) => index.enter(`user ${n}`, "a", minuteMs)));
    const keys = await Promise.all(cluster.masters.map((master) => master.keys(`${prefix}*`)));
    for (const held of keys) expect(held.length).toBeGreaterThan(5);
    expect(keys.flat()).toHaveLength(60);
  });

  it("RedisSessionIndex sends its scripts again to masters that have lost them", async () => {
    const index = new RedisSessionIndex(client, uniquePrefix("index"));
    for (const userId of range(20).map((n) => `user ${n}`)) {
      await index.enter(userId, "a", minuteMs);
      await Promise.all(cluster.masters.map((master) => master.scriptFlush()));
      expect(await index.revoke(userId, undefined)).toEqual(["a"]);
    }
  });

  it("no login slips past a deletion of the user's sessions through another client", async () => {
    const other = await cluster.connect();
    try {
      const prefix = uniquePrefix("index");
      const nodes = [new RedisSessionIndex(client, prefix), new RedisSessionIndex(other, prefix)];
      for (const seed of range(50)) await raceLogins(nodes, 2_000 + seed);
    } finally {
      other.destroy();
    }
  });

  it("RedisSessionStore writes, refuses, refreshes and removes sessions on every master", async () => {
    const store = new RedisSessionStore({ client, prefix: uniquePrefix("sessions") });
    await Promise.all(
      range(30).map(async (n) => {
        const sid = `s${n}`;
        const first = await store.write(sid, snapshot(1), undefined);
        if (first.outcome !== "written") throw new Error(first.outcome);
        expect(await store.read(sid)).toMatchObject({ data: { n: 1 }, version: first.version });
        const base = { version: first.version, json: first.version };
        expect((await store.write(sid, snapshot(2), base)).outcome).toBe("written");
        expect((await store.write(sid, snapshot(3), base)).outcome).toBe("changed");
        expect(await store.refresh(sid, snapshot(2).data)).toBe(true);
        expect((await store.expiries([sid]))[0]).toBeGreaterThan(Date.now());
        await store.remove(sid, "session_ended");
        expect(await store.write(sid, snapshot(4), base)).toEqual({ outcome: "deleted" });
        expect(await store.read(sid)).toBeUndefined();
      }),
    );
    expect(await store.expiries(range(30).map((n) => `s${n}`))).toEqual(range(30).map(() => undefined));
  });
});

function snapshot(n: number): Parameters<RedisSessionStore["write"]>[1] {
  const data = { cookie: { originalMaxAge: null }, n } as unknown as SessionData;
  return { data, json: JSON.stringify(data) };
}
