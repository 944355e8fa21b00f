import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";
import { eventually } from "../../../support/eventually.ts";
import { connectRedis } from "../../../support/redis-client.ts";
import { startClusterServer } from "../../../support/redis-cluster.ts";
import type { RedisServer } from "../../../support/redis-server.ts";
import { ANEW, BACK, type Fault, HEALS_WITHIN_MS, repeated } from "../fault.ts";
import type { World } from "../world.ts";

/** Moves slots of the first master, with their keys, as a reshard does. */
async function moveSlots(
  servers: readonly RedisServer[],
  from: number,
  to: number,
  count: number,
): Promise<void> {
  const clients = servers.map(({ url }) => createClient({ url }).on("error", () => {}));
  await Promise.all(clients.map((client) => client.connect()));
  const ids = await Promise.all(clients.map((client) => client.sendCommand(["CLUSTER", "MYID"])));
  for (let n = 0; n < count; n++) {
    const slot = String(n * 9);
    const keys = (await clients[from]?.sendCommand([
      "CLUSTER",
      "GETKEYSINSLOT",
      slot,
      "100",
    ])) as unknown as string[];
    await clients[to]?.sendCommand(["CLUSTER", "SETSLOT", slot, "IMPORTING", String(ids[from])]);
    await clients[from]?.sendCommand(["CLUSTER", "SETSLOT", slot, "MIGRATING", String(ids[to])]);
    const port = String(servers[to]?.port);
    if (keys.length > 0)
      await clients[from]?.sendCommand(["MIGRATE", "127.0.0.1", port, "", "0", "5000", "KEYS", ...keys]);
    const given = ["CLUSTER", "SETSLOT", slot, "NODE", String(ids[to])];
    await clients[to]?.sendCommand(given);
    // A master that gives its last slot away is no longer a master.
    for (const client of clients) await client.sendCommand(given).catch(() => {});
  }
  for (const client of clients) client.destroy();
}

/** A fourth master joins, takes over slots of the first one, returns them, and leaves. */
async function comeAndGo({ servers }: World): Promise<void> {
  const fourth = await startClusterServer(15_000);
  const all = [...servers, fourth];
  const [first] = servers;
  const client = await connectRedis(fourth.url);
  try {
    await client.sendCommand(["CLUSTER", "MEET", "127.0.0.1", String(first?.port)]);
    await eventually(
      async () => {
        const info = String(await client.sendCommand(["CLUSTER", "INFO"]));
        if (!info.includes("cluster_state:ok") || !info.includes("cluster_known_nodes:4"))
          throw new Error(info);
      },
      { withinMs: 20_000 },
    );
    await moveSlots(all, 0, 3, 300);
    await delay(4_000);
    await moveSlots(all, 3, 0, 300);
    const id = String(await client.sendCommand(["CLUSTER", "MYID"]));
    for (const { url } of servers) {
      const other = await connectRedis(url);
      await other.sendCommand(["CLUSTER", "FORGET", id]);
      other.destroy();
    }
  } finally {
    client.destroy();
    await fourth.stop();
  }
}

/** Faults of a cluster. */
export const FAULTS_OF_CLUSTERS: readonly Fault[] = [
  {
    name: "a cluster whose slots move under load",
    on: { redis: "cluster" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run({ servers }) {
      await moveSlots(servers, 0, 1, 300);
      await moveSlots(servers, 1, 2, 300);
      await moveSlots(servers, 2, 0, 300);
    },
  },
  {
    name: "a master of a cluster added, and taken out",
    on: { redis: "cluster" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: comeAndGo,
  },
  {
    name: "a master of a cluster restarted, and empty",
    on: { redis: "cluster" },
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS + 30_000,
    run: async ({ servers }) => servers[1]?.restart(),
  },
  {
    name: "a master of a cluster frozen for 5 s",
    on: { redis: "cluster" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run({ servers }) {
      servers[1]?.pause();
      await delay(5_000);
      servers[1]?.resume();
    },
  },
  {
    name: "lines for pub/sub to all masters killed five times a second",
    on: { redis: "cluster" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(5_000, 200, () => world.command("CLIENT", "KILL", "TYPE", "pubsub")),
  },
];
