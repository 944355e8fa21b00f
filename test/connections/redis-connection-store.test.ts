import { RedisConnectionStore } from "../../lib/connections/redis-connection-store.ts";
import { connection, ofConnection } from "../../lib/testing/connection-store-suite/suite-options.ts";
import { describeConnectionStore } from "../../lib/testing/describe-connection-store.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";

let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

describeConnectionStore("RedisConnectionStore", {
  create: (options) => new RedisConnectionStore(client, uniquePrefix("data"), options),
});

describe("RedisConnectionStore", () => {
  const own = connection("n1:1", "u");

  it("returns on one node what was set on another", async () => {
    const other = await connectRedis();
    try {
      const prefix = uniquePrefix("data");
      const here = new RedisConnectionStore(client, prefix, ofConnection);
      const there = new RedisConnectionStore(other, prefix, ofConnection);
      await here.set(own, "key", { n: 1 });
      expect(await there.get(own, "key")).toEqual({ n: 1 });
      await there.clear(own);
      expect(await here.get(own, "key")).toBeUndefined();
    } finally {
      other.destroy();
    }
  });

  it("leaves only expiring keys in Redis, and none after everything is deleted", async () => {
    const prefix = uniquePrefix("data");
    const store = new RedisConnectionStore(client, prefix, { ...ofConnection, ttlSeconds: 60 });
    for (const key of ["a", "b"]) await store.set(own, key, key);
    const [key, ...others] = await client.keys(`${prefix}*`);
    expect(others).toEqual([]);
    const leftSeconds = await client.ttl(key as string);
    expect(leftSeconds).toBeGreaterThan(50);
    expect(leftSeconds).toBeLessThanOrEqual(60);
    for (const each of ["a", "b"]) await store.delete(own, each);
    await store.refresh(own);
    expect(await client.keys(`${prefix}*`)).toEqual([]);
  });

  it("sets data on a server that has forgotten its scripts", async () => {
    // A server of its own. Other tests count their commands, and a command with an unknown script is sent twice.
    const server = await startRedisServer();
    const forgetful = await connectRedis(server.url);
    try {
      const store = new RedisConnectionStore(forgetful, uniquePrefix("data"), ofConnection);
      await forgetful.scriptFlush();
      await store.set(own, "key", "value");
      expect(await store.get(own, "key")).toBe("value");
    } finally {
      forgetful.destroy();
      await server.stop();
    }
  });
});
