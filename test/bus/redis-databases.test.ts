import { createClient } from "redis";
import { RedisBus } from "../../lib/bus/redis-bus.ts";
import type { RedisClient } from "../../lib/redis-client/redis-client.ts";
import { inbox, untilHeard, untilQuiet } from "../../lib/testing/bus-suite/bus-inbox.ts";
import { connectRedis, resp, uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "../support/redis-sentinel.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

/*
 * Once, two apps on databases 0 and 1 of one Redis received each other's messages. Pub/sub of Redis has no databases,
 * and the names of the channels had only the prefix.
 */

type Connected = RedisClient & { destroy(): unknown };

/** The kinds of channels that nodes, users and groups have. */
const CHANNELS = ["nodes", "node:n1", "user:ada", "group:red", "group:bus:@1:nodes"];

let server: RedisServer;
let sentinel: RedisSentinel;
let cluster: RedisCluster;

beforeAll(async () => {
  [server, sentinel, cluster] = await Promise.all([
    startRedisServer(),
    startRedisSentinel(),
    startRedisCluster(),
  ]);
  const admin = await connectRedis(server.url);
  const silent = ["on", ">pw", "~*", "&*", "+@all", "-client|info"];
  await admin.sendCommand(["ACL", "SETUSER", "silent", ...silent]);
  admin.destroy();
}, 60_000);

afterAll(async () => {
  await Promise.all([server?.stop(), sentinel?.stop(), cluster?.stop()]);
});

/** A client that has selected another database than its options name. */
async function selected(database: number, RESP: 2 | 3): Promise<Connected> {
  const client = await connectRedis(server.url, resp(RESP));
  await client.select(database);
  return client;
}

const atPath = (path: string, RESP: 2 | 3) => connectRedis(`${server.url}${path}`, resp(RESP));

const silentAt = (database: number) =>
  connectRedis(server.url, { username: "silent", password: "pw", database });

/** Pairs of clients that see different keys. */
const apart: [string, () => Promise<[Connected, Connected]>][] = [
  ["the path of `url`", async () => [await atPath("", 3), await atPath("/1", 3)]],
  ["the path of `url`, with RESP 2", async () => [await atPath("/0", 2), await atPath("/1", 2)]],
  [
    "`database`",
    async () => [
      await connectRedis(server.url, { database: 1 }),
      await connectRedis(server.url, { database: 2 }),
    ],
  ],
  ["`select`", async () => [await selected(0, 3), await selected(1, 3)]],
  ["`select`, with RESP 2", async () => [await selected(1, 2), await selected(2, 2)]],
  ["`select` back to 0", async () => [await backToZero(), await atPath("/1", 3)]],
  ["`database` where the ACL forbids to ask for it", async () => [await silentAt(0), await silentAt(1)]],
  [
    "`nodeClientOptions` of a sentinel",
    async () => [await sentinel.connect(), await sentinel.connect({ nodeClientOptions: { database: 1 } })],
  ],
  [
    "`nodeClientOptions` of a sentinel, with RESP 2",
    async () => [
      await sentinel.connect(resp(2)),
      await sentinel.connect({ ...resp(2), nodeClientOptions: { database: 1 } }),
    ],
  ],
  [
    "node-redis's `keyPrefix`",
    async () => [
      await connectRedis(server.url, { keyPrefix: "one:" }),
      await connectRedis(server.url, { keyPrefix: "two:" }),
    ],
  ],
  [
    "`keyPrefix` of a sentinel",
    async () => [await sentinel.connect(), await sentinel.connect({ keyPrefix: "two:" })],
  ],
  [
    "`keyPrefix` of a cluster",
    async () => [await cluster.connect(), await cluster.connect({ keyPrefix: "two:" })],
  ],
];

async function backToZero(): Promise<Connected> {
  const client = await atPath("/1", 3);
  await client.select(0);
  return client;
}

describe.each(apart)("clients whose keys are separated by %s", (_, connect) => {
  let clients: [Connected, Connected];
  let prefix: string;
  let buses: RedisBus[];

  beforeEach(async () => {
    clients = await connect();
    prefix = uniquePrefix("databases");
    buses = [];
  });

  afterEach(async () => {
    for (const bus of buses) await bus.close();
    for (const client of clients) client.destroy();
  });

  function busOf(client: Connected): RedisBus {
    const bus = new RedisBus(client, prefix);
    buses.push(bus);
    return bus;
  }

  it("receive all of their own messages and none of each other's, on every kind of channel", async () => {
    const [here, there] = clients.map(busOf) as [RedisBus, RedisBus];
    for (const channel of CHANNELS) {
      const [heardHere, heardThere] = [await inbox(here, channel), await inbox(there, channel)];
      await Promise.all([here.publish(channel, "here 1"), here.publish(channel, "here 2")]);
      await there.publish(channel, "there");
      await untilQuiet(here, channel, heardHere);
      await untilQuiet(there, channel, heardThere);
      expect({ channel, heardHere, heardThere }).toEqual({
        channel,
        heardHere: ["here 1", "here 2", "end"],
        heardThere: ["there", "end"],
      });
    }
  });

  it("do not see each other's leases", async () => {
    const [here, there] = clients.map(busOf) as [RedisBus, RedisBus];
    await here.renewLease("here", 60_000);
    await there.renewLease("there", 60_000);
    expect(await here.liveNodes()).toEqual(["here"]);
    expect(await there.liveNodes()).toEqual(["there"]);
  });

  it("receive all messages of clients with the same keys", async () => {
    const others = await connect();
    try {
      const [here, there] = [busOf(clients[1]), busOf(others[1])];
      for (const channel of CHANNELS) {
        const heard = await inbox(here, channel);
        await there.publish(channel, "hello");
        await untilHeard(heard, ["hello"]);
      }
    } finally {
      await Promise.all(buses.splice(0).map((bus) => bus.close()));
      for (const client of others) client.destroy();
    }
  });
});

describe("names of channels", () => {
  async function subscribed(client: Connected, prefix: string): Promise<string[]> {
    const bus = new RedisBus(client, prefix);
    const admin = await connectRedis(server.url);
    try {
      for (const channel of CHANNELS) await bus.subscribe(channel, () => {});
      return (await admin.pubSubChannels(`*${prefix}*`)).sort();
    } finally {
      await bus.close();
      for (const each of [client, admin]) each.destroy();
    }
  }

  it("have no number on database 0", async () => {
    const prefix = uniquePrefix("databases");
    const names = CHANNELS.map((channel) => `${prefix}bus:${channel}`).sort();
    expect(await subscribed(await atPath("", 3), prefix)).toEqual(names);
  });

  it("begin on other databases as before, because ACLs may depend on it", async () => {
    const prefix = uniquePrefix("databases");
    const names = CHANNELS.map((channel) => `${prefix}bus:@3:${channel}`).sort();
    expect(await subscribed(await atPath("/3", 3), prefix)).toEqual(names);
  });
});

describe("a bus that cannot ask for its database", () => {
  it("asks again, and sends nothing to another database meanwhile", async () => {
    const client = createClient({ url: `${server.url}/1` });
    client.on("error", () => {});
    const prefix = uniquePrefix("databases");
    const bus = new RedisBus(client, prefix);
    await expect(bus.publish("nodes", "too early")).rejects.toThrow();
    await expect(bus.subscribe("nodes", () => {})).rejects.toThrow();
    await client.connect();
    try {
      const heard = await inbox(bus, "nodes");
      await bus.publish("nodes", "hello");
      await untilHeard(heard, ["hello"]);
      expect(await client.pubSubChannels(`${prefix}*`)).toEqual([`${prefix}bus:@1:nodes`]);
    } finally {
      await bus.close();
      client.destroy();
    }
  });
});
