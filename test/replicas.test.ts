import { setTimeout as delay } from "node:timers/promises";
import { type RedisClient, redisBackend } from "../lib/redis.ts";
import { Replicas } from "../lib/redis-client/replicas.ts";
import { insert } from "../lib/testing/session-store-suite/sessions.ts";
import { eventually } from "./support/eventually.ts";
import { connectRedis, type RedisClient as NodeRedis, uniquePrefix } from "./support/redis-client.ts";
import { startRedisCluster } from "./support/redis-cluster.ts";
import { startRedisSentinel } from "./support/redis-sentinel.ts";
import { type RedisServer, startRedisServer } from "./support/redis-server.ts";
import { untilReplicated } from "./support/until-replicated.ts";
import { me, serve, signIn } from "./users/support.ts";

type Backend = ReturnType<typeof redisBackend>;

const UNAVAILABLE = { code: "ERR_STORE_UNAVAILABLE" };
const end = (backend: Backend, sid: string) => backend.sessions.remove(sid, "session_ended");

function open(client: unknown, prefix = uniquePrefix("replicas")): Backend {
  return redisBackend({ client: client as RedisClient, prefix, endsOnReplicas: 1 });
}

describe("endsOnReplicas, on one server with a replica", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let client: NodeRedis;
  let onReplica: NodeRedis;

  beforeAll(async () => {
    master = await startRedisServer();
    replica = await startRedisServer({ args: ["--replicaof", "127.0.0.1", `${master.port}`] });
    client = await connectRedis(master.url);
    onReplica = await connectRedis(replica.url);
    await untilReplicated(replica);
  }, 40_000);

  afterEach(() => replica.resume());

  afterAll(async () => {
    client?.destroy();
    onReplica?.destroy();
    await replica?.stop();
    await master?.stop();
  });

  // Once, a failover undid ends and leaves that had been acknowledged.
  test("has each acknowledged end and leave on the replica", async () => {
    const prefix = uniquePrefix("replicas");
    const backend = open(client, prefix);
    for (let n = 0; n < 50; n++) {
      await insert(backend.sessions, `s${n}`, {});
      await backend.memberships.join("ada", `g${n}`, 100);
      await Promise.all([end(backend, `s${n}`), backend.memberships.leave("ada", `g${n}`)]);
      expect(await onReplica.exists(`${prefix}sess:s${n}`)).toBe(0);
      expect(await onReplica.keys(`${prefix}*ada*`)).toEqual([]);
    }
    await backend.close();
  });

  test("acknowledges nothing that no replica has, and the call can be repeated", async () => {
    const backend = open(client);
    await insert(backend.sessions, "s", {});
    await backend.memberships.join("ada", "g", 100);
    await end(backend, "warm");
    replica.pause();
    const ended = Promise.allSettled([end(backend, "s"), backend.memberships.leave("ada", "g")]);
    // Calls of others meanwhile do not wait for it.
    await delay(200);
    const begun = performance.now();
    await insert(backend.sessions, "other", {});
    expect(performance.now() - begun).toBeLessThan(700);
    expect(await ended).toMatchObject([
      { status: "rejected", reason: UNAVAILABLE },
      { status: "rejected", reason: UNAVAILABLE },
    ]);
    expect(await backend.sessions.read("s")).toBeUndefined();
    replica.resume();
    await expect(end(backend, "s")).resolves.toBe(false);
    await expect(backend.memberships.leave("ada", "g")).resolves.toBe(false);
    await backend.close();
  }, 30_000);

  test("rejects a deleteUserSessions that no replica has confirmed, and a second call ends the rest", async () => {
    const backend = open(client);
    const served = await serve({ backend });
    const browsers = [await signIn(served), await signIn(served)];
    const { users } = served;
    replica.pause();
    await expect(users.deleteUserSessions("ada")).rejects.toMatchObject(UNAVAILABLE);
    replica.resume();
    await users.deleteUserSessions("ada");
    expect(await users.listUserSessions("ada")).toEqual([]);
    for (const browser of browsers) expect((await me(browser)).user).toBeUndefined();
    await backend.close();
  }, 30_000);

  test("does not accept the confirmation of a new master that never had the change", async () => {
    const key = uniquePrefix("replicas");
    const replicas = new Replicas(client as unknown as RedisClient, 1);
    await replicas.confirm(["EXISTS", key]);
    await client.set(key, "back again");
    await expect(replicas.confirm(["EXISTS", key])).rejects.toMatchObject(UNAVAILABLE);
    replicas.close();
  });

  test("waits once for several ends at the same time", async () => {
    const backend = open(client);
    const sids = Array.from({ length: 200 }, (_, n) => `many${n}`);
    await Promise.all(sids.map((sid) => insert(backend.sessions, sid, {})));
    const calls = async () =>
      Number(/cmdstat_wait:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
    const before = await calls();
    await Promise.all(sids.map((sid) => end(backend, sid)));
    const waits = (await calls()) - before;
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThan(40);
    await backend.close();
  });

  test("closes its connection with the backend, even while it connects", async () => {
    const lines = async () =>
      ((await client.sendCommand(["CLIENT", "LIST"])) as unknown as string).split("\n").length;
    const before = await lines();
    for (const turns of [0, 1, 2, 20]) {
      const backend = open(client);
      const ended = end(backend, "nobody").catch(() => {});
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      await backend.close();
      await ended;
    }
    await eventually(async () => expect(await lines()).toBe(before));
  }, 20_000);
});

test("endsOnReplicas, on a cluster, has each end on a replica of its own master", async () => {
  const cluster = await startRedisCluster({ replicas: 1 });
  const client = await cluster.connect();
  const replicas = await Promise.all(cluster.replicas.map(({ url }) => connectRedis(url)));
  const prefix = uniquePrefix("replicas");
  const backend = open(client, prefix);
  const lines = async () => {
    const lists = cluster.masters.map((master) => master.sendCommand(["CLIENT", "LIST", "TYPE", "normal"]));
    return (await Promise.all(lists)).flatMap((list) => String(list).trim().split("\n")).length;
  };
  const before = await lines();
  try {
    const sids = Array.from({ length: 60 }, (_, n) => `s${n}`);
    await Promise.all(sids.map((sid) => insert(backend.sessions, sid, {})));
    await Promise.all(sids.map((sid) => end(backend, sid)));
    const left = await Promise.all(replicas.map((replica) => replica.sendCommand(["KEYS", `${prefix}*`])));
    expect(left.flat()).toEqual([]);
    for (const sid of sids) await insert(backend.sessions, sid, {});
    cluster.replicas[0]?.pause();
    const ended = await Promise.allSettled(sids.map((sid) => end(backend, sid)));
    const failed = ended.filter(({ status }) => status === "rejected").length;
    // Ends on the two other masters are still acknowledged.
    expect(failed).toBeGreaterThan(5);
    expect(failed).toBeLessThan(40);
    cluster.replicas[0]?.resume();
    expect(await lines()).toBeGreaterThan(before);
    await backend.close();
    await eventually(async () => expect(await lines()).toBe(before), { withinMs: 10_000 });
  } finally {
    cluster.replicas[0]?.resume();
    await backend.close();
    for (const replica of replicas) replica.destroy();
    client.destroy();
    await cluster.stop();
  }
}, 60_000);

test("endsOnReplicas, behind a sentinel, has an end on a replica", async () => {
  const sentinel = await startRedisSentinel({ replicas: 1 });
  const client = await sentinel.connect();
  const [replica] = sentinel.replicas as [RedisServer];
  const backend = open(client);
  try {
    await insert(backend.sessions, "s", {});
    await end(backend, "s");
    await insert(backend.sessions, "s", {});
    replica.pause();
    await expect(end(backend, "s")).rejects.toMatchObject(UNAVAILABLE);
  } finally {
    replica.resume();
    await backend.close();
    client.destroy();
    await sentinel.stop();
  }
}, 60_000);
