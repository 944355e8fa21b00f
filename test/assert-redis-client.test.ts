import { RedisStore } from "connect-redis";
import { MemoryStore } from "express-session";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { RedisSessionStore, redisBackend } from "../lib/redis.ts";
import type { RedisClient } from "../lib/redis-client/redis-client.ts";
import { insert, readStored } from "../lib/testing/session-store-suite/sessions.ts";
import {
  connectRedis,
  type RedisClient as NodeRedisClient,
  resp,
  uniquePrefix,
} from "./support/redis-client.ts";

/** The factories that take a client. Once, `redisBackend` checked only one method, and `RedisSessionStore` none. */
const factories: [string, (client: unknown) => unknown][] = [
  ["redisBackend", (client) => redisBackend({ client: client as RedisClient })],
  ["RedisSessionStore", (client) => new RedisSessionStore({ client: client as RedisClient })],
];

let client: NodeRedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

/** An ioredis client: it has the same commands, all in lower case. */
const ioredis = { evalsha() {}, get() {}, set() {}, on() {}, connect() {}, duplicate() {} };

const refused: [string, () => unknown, RegExp][] = [
  ["nothing", () => undefined, /createClient\(\)/],
  ["null", () => null, /createClient\(\)/],
  ["a URL", () => "redis://localhost", /createClient\(\)/],
  ["an object of options", () => ({ url: "redis://localhost" }), /createClient\(\)/],
  ["createClient uncalled", () => createClient, /createClient\(\)/],
  ["a promise of a client", () => Promise.resolve(client), /await it/],
  ["a pool", () => createClientPool({}), /pool.*createClient\(\)/],
  ["a pool of a client", () => client.createPool(), /pool.*createClient\(\)/],
  ["legacy()", () => client.legacy(), /legacy\(\).*the client itself/],
  ["multi()", () => client.multi(), /multi\(\).*the client itself/],
  ["a client of ioredis", () => ioredis, /ioredis.*createClient\(\)/],
  ["connect-redis's store", () => new RedisStore({ client }), /session store/],
  ["express-session's store", () => new MemoryStore(), /session store/],
];

describe.each(factories)("%s", (factory, make) => {
  it.each(refused)("refuses %s by name, and names the right client", (_, what, fix) => {
    expect(() => make(what())).toThrow(TypeError);
    expect(() => make(what())).toThrow(
      `${factory}: option "client" must be a node-redis client, cluster or sentinel: `,
    );
    expect(() => make(what())).toThrow(fix);
  });

  it("refuses a client that takes no commands because it has subscriptions", async () => {
    const subscriber = await connectRedis(undefined, resp(2));
    try {
      await subscriber.subscribe(uniquePrefix("client"), () => {});
      expect(() => make(subscriber)).toThrow(TypeError);
      expect(() => make(subscriber)).toThrow(/option "client".*subscriptions.*duplicate\(\)/);
      expect(() => make(subscriber.duplicate())).not.toThrow();
    } finally {
      subscriber.destroy();
    }
  });

  it("accepts a client with subscriptions on RESP 3, which still takes commands", async () => {
    const subscriber = await connectRedis();
    try {
      await subscriber.subscribe(uniquePrefix("client"), () => {});
      expect(() => make(subscriber)).not.toThrow();
    } finally {
      subscriber.destroy();
    }
  });

  it("accepts a sentinel, and clients that a client derives from itself", async () => {
    const sentinel = createSentinel({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });
    for (const taken of [sentinel, client.asap(), client.withTypeMapping({}), client.duplicate()])
      expect(() => make(taken)).not.toThrow();
  });
});

it("RedisSessionStore refuses to be made without options", () => {
  const Store = RedisSessionStore as unknown as new () => RedisSessionStore;
  expect(() => new Store()).toThrow(/RedisSessionStore: option "client"/);
});

it("redisBackend accepts a client that connects later", async () => {
  const later = createClient({ url: process.env.REDIS_URL as string });
  later.on("error", () => {});
  const { sessions, node, close } = redisBackend({ client: later, prefix: uniquePrefix("client") });
  await expect(sessions.read("a")).rejects.toThrow("The client is closed");
  await later.connect();
  try {
    await insert(sessions, "a", {});
    await readStored(sessions, "a");
    await node.join();
  } finally {
    await close();
    later.destroy();
  }
});

// Once, such a cluster was accepted, and after a failover none of a thousand messages to groups arrived.
it("redisBackend refuses a node-redis cluster that loses its subscriptions by name, and RedisSessionStore accepts it", () => {
  const old = { evalSha() {}, on() {}, duplicate() {}, masters: [] };
  expect(() => redisBackend({ client: old as unknown as RedisClient })).toThrow(/before 6\.1.*6\.1 or newer/);
  expect(() => new RedisSessionStore({ client: old as unknown as RedisClient })).not.toThrow();
});

it("a client that may read outdated data is refused, and the error names the option", () => {
  const rootNodes = [{ url: process.env.REDIS_URL as string }];
  const clients = {
    useReplicas: createCluster({ rootNodes, useReplicas: true }),
    clientSideCache: createClient({
      RESP: 3,
      clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" },
    }),
  };
  for (const [name, client] of Object.entries(clients)) {
    const options = { client: client as unknown as RedisClient };
    expect(() => redisBackend(options)).toThrow(`with ${name} it reads sessions that have ended already`);
    expect(() => new RedisSessionStore(options)).toThrow(name);
  }
});
