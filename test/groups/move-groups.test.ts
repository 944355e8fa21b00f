import { RedisMemberships } from "../../lib/groups/redis-memberships.ts";
import { moveGroups, type RedisClient, redisBackend } from "../../lib/redis.ts";
import { assertMembers, noLimit } from "../../lib/testing/memberships-suite/group-rules.ts";
import { oddStrings } from "../../lib/testing/tools/odd-strings.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { aroundCalls, connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";

/*
 * Former versions stored memberships under keys that may be the app's own. Memberships have no expiry and no copy, so
 * an update must move them.
 */

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function aServer(): Promise<RedisClient> {
  const client = await connectRedis();
  closing.push(() => client.destroy());
  return client as unknown as RedisClient;
}

async function withKeyPrefix(): Promise<RedisClient> {
  const client = await connectRedis(process.env.REDIS_URL, {
    keyPrefix: uniquePrefix("key-prefix"),
  } as object);
  closing.push(() => client.destroy());
  return client as unknown as RedisClient;
}

async function aCluster(): Promise<RedisClient> {
  const cluster = await startRedisCluster();
  const client = await cluster.connect();
  closing.push(
    () => cluster.stop(),
    () => client.destroy(),
  );
  return client as unknown as RedisClient;
}

/** The memberships of the current backend. */
function today(client: RedisClient, prefix: string) {
  const backend = redisBackend({ client, prefix });
  closing.push(() => backend.close());
  return backend.memberships;
}

describe.each([
  ["a server", aServer],
  ["a client with a keyPrefix", withKeyPrefix],
  ["a cluster", aCluster],
])("moveGroups on %s", (_, connect) => {
  it("moves all memberships of former versions once, and leaves nothing at the old keys", async () => {
    const client = await connect();
    const prefix = uniquePrefix("move");
    const before = new RedisMemberships(client, prefix);
    const users = [...range(20).map((n) => `user ${n}`), ...oddStrings];
    for (const [at, userId] of users.entries())
      for (const group of [`group ${at % 3}`, "all", ...oddStrings.slice(0, 3)])
        await before.join(userId, group, noLimit);
    const groupsOf = await Promise.all(users.map((userId) => before.groupsOf(userId)));
    const memberships = today(client, prefix);
    expect(await memberships.groupsOf("user 0")).toEqual([]);

    expect(await moveGroups({ client, prefix })).toBe(groupsOf.flat().length);
    for (const [at, userId] of users.entries()) {
      expect((await memberships.groupsOf(userId)).sort()).toEqual(groupsOf[at]?.sort());
      expect(await before.groupsOf(userId)).toEqual([]);
    }
    await assertMembers(memberships, "all", users);
    expect(await moveGroups({ client, prefix })).toBe(0);
    await assertMembers(memberships, "all", users);
  });
});

describe("moveGroups", () => {
  it("continues after a call that failed, and loses nothing", async () => {
    const client = await aServer();
    const prefix = uniquePrefix("move");
    const before = new RedisMemberships(client, prefix);
    const users = range(10).map((n) => `user ${n}`);
    for (const userId of users) for (const n of range(5)) await before.join(userId, `group ${n}`, noLimit);
    let calls = 0;
    const failing = aroundCalls(client as object, (name, _args, run) => {
      if (name === "sRem" && ++calls > 20) throw new Error("the line is cut");
      return run();
    }) as RedisClient;
    await expect(moveGroups({ client: failing, prefix })).rejects.toThrow();
    await moveGroups({ client, prefix });
    for (const n of range(5)) await assertMembers(today(client, prefix), `group ${n}`, users);
    expect(await before.members("group 0")).toEqual([]);
  });

  it("keeps the data of another program, and makes nobody a member because of it", async () => {
    const client = await aServer();
    const redis = client as unknown as Awaited<ReturnType<typeof connectRedis>>;
    const prefix = uniquePrefix("move");
    await redis.sAdd(`${prefix}user:ada:groups`, ["admins", "editors"]);
    await redis.sAdd(`${prefix}group:editors:members`, ["grace"]);
    await redis.set(`${prefix}user:bob:groups`, "a text");
    await redis.sAdd(`${prefix}user:eve:groups`, ["hashed"]);
    await redis.hSet(`${prefix}group:hashed:members`, "eve", "1");
    expect(await moveGroups({ client, prefix })).toBe(0);
    expect(await today(client, prefix).groupsOf("ada")).toEqual([]);
    expect((await redis.sMembers(`${prefix}user:ada:groups`)).sort()).toEqual(["admins", "editors"]);
    expect(await redis.get(`${prefix}user:bob:groups`)).toBe("a text");
    expect(await redis.keys(`${prefix}*`)).toHaveLength(5);
  });

  it.each([
    [{}, 'option "client"'],
    [{ client: "redis://localhost" }, 'option "client"'],
    [{ prefix: "a*" }, 'option "prefix"'],
    [{ from: "" }, 'unknown option "from"'],
  ])("refuses %j by name", async (wrong, named) => {
    const client = "client" in wrong || Object.keys(wrong).length === 0 ? {} : { client: await aServer() };
    await expect(moveGroups({ ...client, ...wrong } as never)).rejects.toThrow(named);
  });
});
