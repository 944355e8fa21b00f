import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { inbox, untilHeard } from "../../lib/testing/bus-suite/bus-inbox.ts";
import { describeBus } from "../../lib/testing/describe-bus.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { within } from "../support/within.ts";

// A server of its own, because these tests cut its lines and stop it.
let server: RedisServer;
let client: RedisClient;

beforeAll(async () => {
  server = await startRedisServer();
  client = await connectRedis(server.url);
});

afterAll(async () => {
  client.destroy();
  await server.stop();
});

describeBus("RedisBus", {
  create: () => {
    const prefix = uniquePrefix("bus");
    const node = () => new RedisBus(client, prefix);
    return {
      buses: [node(), node(), node()],
      cutLines: async () => void (await client.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"])),
    };
  },
});

describe("RedisBus", () => {
  let prefix: string;
  let bus: RedisBus;

  beforeEach(() => {
    prefix = uniquePrefix("bus");
    bus = new RedisBus(client, prefix);
  });

  afterEach(() => bus.close());

  async function connections(): Promise<number> {
    return Number(/connected_clients:(\d+)/.exec(await client.info("clients"))?.[1]);
  }

  it("leaves nothing in Redis once the leases of all nodes have run out", async () => {
    // The server knows the script by now, so it runs the commands of one turn together.
    await bus.renewLease("a", 60_000);
    await bus.dropLease("a");
    const [, , keys] = await Promise.all([
      bus.renewLease("a", 60),
      bus.renewLease("b", 120),
      client.keys(`${prefix}*`),
    ]);
    expect(keys).toEqual([`${prefix}nodes`]);
    await eventually(async () => expect(await client.keys(`${prefix}*`)).toEqual([]));
  });

  it("leaves nothing in Redis once all nodes have left", async () => {
    await inbox(bus, "a");
    await bus.renewLease("a", 60_000);
    await bus.renewLease("b", 60_000);
    for (const id of ["a", "b"]) await bus.dropLease(id);
    expect(await client.keys(`${prefix}*`)).toEqual([]);
  });

  it("keeps the key of the leases no longer than the longest lease", async () => {
    await bus.renewLease("long", 60_000);
    await bus.renewLease("short", 1_000);
    const left = await client.pTTL(`${prefix}nodes`);
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it("leaves no key after reading, and none for messages", async () => {
    await inbox(bus, "a");
    await bus.liveNodes();
    await bus.publish("a", "hello");
    await bus.publish("nobody", "hello");
    expect(await client.keys(`${prefix}*`)).toEqual([]);
  });

  it("opens one connection for all channels at the first subscription, and has none after close", async () => {
    await eventually(async () => expect(await connections()).toBe(1));
    await bus.publish("a", "hello");
    await bus.renewLease("a", 1_000);
    expect(await connections()).toBe(1);
    await Promise.all(["a", "b", "c"].map((channel) => inbox(bus, channel)));
    expect(await connections()).toBe(2);
    await bus.close();
    await eventually(async () => expect(await connections()).toBe(1));
    expect(await client.ping()).toBe("PONG");
  });

  it("separates buses by prefix", async () => {
    const other = new RedisBus(client, `${prefix}other:`);
    try {
      const [here, there] = [await inbox(bus, "a"), await inbox(other, "a")];
      await bus.renewLease("mine", 1_000);
      await bus.publish("a", "here");
      await other.publish("a", "there");
      await untilHeard(here, ["here"]);
      await untilHeard(there, ["there"]);
      expect(await other.liveNodes()).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it("renews leases on a server that has forgotten its scripts", async () => {
    await client.scriptFlush();
    await bus.renewLease("a", 60_000);
    await client.scriptFlush();
    expect(await bus.liveNodes()).toEqual(["a"]);
  });

  it("rejects each call when its client is closed", async () => {
    const closed = await connectRedis(server.url);
    const cut = new RedisBus(closed, prefix);
    closed.destroy();
    await expect(cut.publish("a", "hello")).rejects.toThrow();
    await expect(cut.renewLease("a", 1_000)).rejects.toThrow();
    await expect(cut.dropLease("a")).rejects.toThrow();
    await expect(cut.liveNodes()).rejects.toThrow();
  });
});

describe("RedisBus when its server goes away", () => {
  let own: RedisServer;
  let ownClient: RedisClient;
  let bus: RedisBus;

  beforeEach(async () => {
    own = await startRedisServer();
    ownClient = await connectRedis(own.url);
    bus = new RedisBus(ownClient, uniquePrefix("bus"));
  });

  afterEach(async () => {
    ownClient.destroy();
    await own.stop();
  });

  it("reports the reconnection after a restart, receives again and renews its lease", async () => {
    const heard = await inbox(bus, "a");
    await bus.renewLease("a", 60_000);
    let reconnections = 0;
    bus.onReconnect(() => reconnections++);
    await own.restart();
    await eventually(() => expect(reconnections).toBeGreaterThanOrEqual(1));
    await eventually(async () => {
      await bus.publish("a", "again");
      expect(heard.at(-1)).toBe("again");
    });
    expect(await bus.liveNodes()).toEqual([]);
    await bus.renewLease("a", 60_000);
    expect(await bus.liveNodes()).toEqual(["a"]);
    await bus.close();
  });

  it("receives again after the first subscription failed without a server", async () => {
    const hasty = await connectRedis(own.url, { socket: { reconnectStrategy: false } });
    const hastyBus = new RedisBus(hasty, uniquePrefix("bus"));
    // Asks for the database here, because this client cannot do so after the kill. It does not come back.
    await hastyBus.publish("a", "before");
    await own.kill();
    await expect(within(inbox(hastyBus, "a"), 3_000, "answer")).rejects.toThrow();
    await own.restart();
    const heard = await inbox(hastyBus, "a");
    await ownClient.publish("x", "y");
    await hastyBus.close();
    expect(heard).toEqual([]);
    hasty.destroy();
  });

  it("closes while the server is down and nothing is received", async () => {
    await inbox(bus, "a");
    await own.kill();
    await within(bus.close(), 10_000, "end of close");
  });

  it("closes while a subscription waits for a server", async () => {
    await own.kill();
    const subscribed = inbox(bus, "a").catch(() => "rejected");
    await within(bus.close(), 10_000, "end of close");
    expect(await within(subscribed, 10_000, "end of the subscription")).toBe("rejected");
  });
});
