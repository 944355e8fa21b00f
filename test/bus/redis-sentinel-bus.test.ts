import { Node } from "../../lib/bus/node/node.ts";
import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { inbox, untilHeard } from "../../lib/testing/bus-suite/bus-inbox.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import {
  type RedisSentinel,
  type RedisSentinelClient,
  startRedisSentinel,
} from "../support/redis-sentinel.ts";

let sentinel: RedisSentinel;
let client: RedisSentinelClient;

beforeAll(async () => {
  sentinel = await startRedisSentinel();
  client = await sentinel.connect();
}, 40_000);

afterAll(async () => {
  client?.destroy();
  await sentinel?.stop();
});

describe("with a sentinel client", () => {
  it("RedisBus publishes, subscribes and renews leases, and nodes ask each other", async () => {
    const prefix = uniquePrefix("bus");
    const nodes = [new Node(new RedisBus(client, prefix)), new Node(new RedisBus(client, prefix))];
    try {
      for (const [at, node] of nodes.entries()) node.answer("name", () => at);
      await Promise.all(nodes.map((node) => node.join()));
      expect(await nodes[0]?.ask("name", {}, 5_000)).toEqual({ answers: [0, 1], silentNodes: [] });
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
    }
  });

  it("RedisSessionIndex enters, confirms, revokes and removes", async () => {
    const index = new RedisSessionIndex(client, uniquePrefix("index"));
    await index.enter("u", "a", 60_000);
    expect(await index.confirm("u", "a")).toBe(true);
    expect(await index.revoke("u", undefined)).toEqual(["a"]);
    expect(await index.confirm("u", "a")).toBe(false);
    await index.remove("u", ["a"]);
    expect(await index.entries("u")).toEqual([]);
  });

  it("RedisBus receives again after its line was cut, and reports the reconnection", async () => {
    const master = await connectRedis(sentinel.master.url);
    const bus = new RedisBus(client, uniquePrefix("bus"));
    try {
      const heard = await inbox(bus, "a");
      await bus.publish("a", "before");
      await untilHeard(heard, ["before"]);
      let reconnections = 0;
      bus.onReconnect(() => reconnections++);
      await master.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
      await eventually(async () => {
        await bus.publish("a", "again");
        expect(heard.at(-1)).toBe("again");
      });
      await eventually(() => expect(reconnections).toBeGreaterThanOrEqual(1), { withinMs: 10_000 });
    } finally {
      await bus.close();
      master.destroy();
    }
  });
});
