import { Node } from "../../lib/bus/node/node.ts";
import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { inbox, untilHeard, untilQuiet } from "../../lib/testing/bus-suite/bus-inbox.ts";
import { describeBus } from "../../lib/testing/describe-bus.ts";
import { eventually } from "../support/eventually.ts";
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

async function cutLines(): Promise<void> {
  const kill = ["CLIENT", "KILL", "TYPE", "pubsub"];
  await Promise.all(cluster.masters.map((master) => master.sendCommand(kill)));
}

describeBus("RedisBus on a cluster", {
  create: () => {
    const prefix = uniquePrefix("bus");
    const node = () => new RedisBus(client, prefix);
    return { buses: [node(), node(), node()], cutLines };
  },
  deviations: {
    noFalseReconnect: "node-redis tells of the first line to a master as of one that is up again",
  },
});

describe("RedisBus on a cluster", () => {
  async function callsOf(command: string): Promise<number> {
    const stats = await Promise.all(cluster.masters.map((master) => master.info("commandstats")));
    const calls = stats.map((text) => new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(text)?.[1]);
    return calls.reduce((sum, found) => sum + Number(found ?? 0), 0);
  }

  it("publishes only with SPUBLISH, on the master with the channel's slot", async () => {
    const bus = new RedisBus(client, uniquePrefix("bus"));
    try {
      await Promise.all(cluster.masters.map((master) => master.configResetStat()));
      const heard = await inbox(bus, "a");
      await bus.publish("a", "hello");
      await untilHeard(heard, ["hello"]);
      expect(await callsOf("spublish")).toBe(1);
      expect(await callsOf("ssubscribe")).toBe(1);
      expect(await callsOf("publish")).toBe(0);
      expect(await callsOf("subscribe")).toBe(0);
    } finally {
      await bus.close();
    }
  });

  it("receives each message once on 60 channels on all masters, also after its lines were cut", async () => {
    const bus = new RedisBus(client, uniquePrefix("bus"));
    try {
      const channels = Array.from({ length: 60 }, (_, n) => `channel ${n}`);
      const heard = await Promise.all(channels.map((channel) => inbox(bus, channel)));
      await cutLines();
      for (const [at, channel] of channels.entries()) {
        await eventually(async () => {
          await bus.publish(channel, "up?");
          expect(heard[at]).toContain("up?");
        });
      }
      await Promise.all(channels.map((channel) => bus.publish(channel, "once")));
      await Promise.all(channels.map((channel) => bus.publish(channel, "end")));
      for (const messages of heard) {
        await eventually(() => expect(messages.at(-1)).toBe("end"));
        expect(messages.filter((message) => message !== "up?")).toEqual(["once", "end"]);
      }
    } finally {
      await bus.close();
    }
  });

  it("reports the reconnection after a master has restarted, and receives again", async () => {
    const bus = new RedisBus(client, uniquePrefix("bus"));
    try {
      const channels = Array.from({ length: 12 }, (_, n) => `channel ${n}`);
      const heard = await Promise.all(channels.map((channel) => inbox(bus, channel)));
      let reconnections = 0;
      bus.onReconnect(() => reconnections++);
      await cluster.servers[1]?.restart();
      await eventually(() => expect(reconnections).toBeGreaterThanOrEqual(1), { withinMs: 10_000 });
      for (const [at, channel] of channels.entries()) {
        await eventually(
          async () => {
            await bus.publish(channel, "again");
            expect(heard[at]).toContain("again");
          },
          { withinMs: 20_000 },
        );
      }
    } finally {
      await bus.close();
      await cluster.ready();
    }
  }, 60_000);

  it("receives from the other masters while one is dead, and reports no gap for each attempt at that one", async () => {
    const prefix = uniquePrefix("bus");
    const bus = new RedisBus(client, prefix);
    /** A channel on the master with this number. */
    const channelOn = async (at: number): Promise<string> => {
      for (let n = 0; ; n++) {
        const command = ["CLUSTER", "KEYSLOT", `${prefix}bus:channel ${n}`];
        const slot = Number(await cluster.masters[0]?.sendCommand(command));
        if (Math.floor((slot * 3) / 16_384) === at) return `channel ${n}`;
      }
    };
    try {
      const [here, there] = [await channelOn(0), await channelOn(1)];
      const heard = await inbox(bus, here);
      await inbox(bus, there);
      await untilQuiet(bus, here, heard);
      let gaps = 0;
      bus.onReconnect(() => gaps++);
      await cluster.servers[1]?.kill();
      const sent = Array.from({ length: 100 }, (_, n) => `message ${n}`);
      for (const message of sent) {
        await bus.publish(here, message);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await untilQuiet(bus, here, heard);
      expect(heard).toEqual(["end", ...sent, "end"]);
      expect(gaps).toBeLessThanOrEqual(1);
    } finally {
      await bus.close();
      await cluster.servers[1]?.restart();
      await cluster.ready();
    }
  }, 60_000);

  it("lets nodes with clients of their own ask each other", async () => {
    const prefix = uniquePrefix("bus");
    const others = await Promise.all([cluster.connect(), cluster.connect()]);
    const nodes = [client, ...others].map((each) => new Node(new RedisBus(each, prefix)));
    try {
      for (const [at, node] of nodes.entries()) node.answer("name", () => at);
      await Promise.all(nodes.map((node) => node.join()));
      for (const [at, node] of nodes.entries()) {
        const { answers, silentNodes } = await node.ask("name", {}, 5_000);
        expect(silentNodes).toEqual([]);
        expect(answers[0]).toBe(at);
        expect([...answers].sort()).toEqual([0, 1, 2]);
      }
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
      for (const other of others) other.destroy();
    }
  });
});
