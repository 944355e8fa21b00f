import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { inbox } from "../../lib/testing/bus-suite/bus-inbox.ts";
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

/** Moves slots from one master to another, as a reshard does with slots without keys. */
async function move(slots: readonly number[], from: number, to: number): Promise<void> {
  const ids = await Promise.all(cluster.masters.map((master) => master.sendCommand(["CLUSTER", "MYID"])));
  const [source, target] = [cluster.masters[from], cluster.masters[to]];
  const owner = String(ids[to]);
  for (const slot of slots.map(String)) {
    await target?.sendCommand(["CLUSTER", "SETSLOT", slot, "IMPORTING", String(ids[from])]);
    await source?.sendCommand(["CLUSTER", "SETSLOT", slot, "MIGRATING", owner]);
    await target?.sendCommand(["CLUSTER", "SETSLOT", slot, "NODE", owner]);
    for (const master of cluster.masters)
      await master.sendCommand(["CLUSTER", "SETSLOT", slot, "NODE", owner]);
  }
}

// Once, a channel whose slot moved while others subscribed stayed silent for good.
test("a bus on a cluster receives on all channels after their slots have moved, and reports the gap", async () => {
  const bus = new RedisBus(client, uniquePrefix("moves"));
  try {
    let gaps = 0;
    bus.onReconnect(() => gaps++);
    const channels = Array.from({ length: 120 }, (_, n) => `channel ${n}`);
    const heard = new Map<string, string[]>();
    for (const channel of channels.slice(0, 60)) heard.set(channel, await inbox(bus, channel));
    const before = gaps;
    const first = Array.from({ length: 600 }, (_, n) => n * 9);
    const subscribing = (async () => {
      for (const channel of channels.slice(60)) {
        heard.set(channel, await inbox(bus, channel).catch(async () => inbox(bus, channel)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await move(first, 0, 1);
    await move(first, 1, 2);
    await subscribing;
    await eventually(() => expect(gaps).toBeGreaterThan(before), { withinMs: 20_000 });
    for (const channel of channels) {
      await eventually(
        async () => {
          await bus.publish(channel, "again").catch(() => {});
          expect(heard.get(channel)).toContain("again");
        },
        { withinMs: 30_000 },
      );
    }
    await move(first, 2, 0);
  } finally {
    await bus.close();
  }
}, 120_000);
