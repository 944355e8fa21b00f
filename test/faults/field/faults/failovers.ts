import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../../support/eventually.ts";
import { connectRedis } from "../../../support/redis-client.ts";
import { BACK, type Fault, HEALS_WITHIN_MS } from "../fault.ts";
import { DOWN_AFTER_MS, type World } from "../world.ts";

/** Acknowledged ends are on a replica too, so a failover does not undo them. */
const env = { ENDS_ON_REPLICAS: "1" };

/** Both: after a requested failover, the old master still accepts writes, which the other replica confirms. */
const ON_BOTH = { ENDS_ON_REPLICAS: "2" };

async function ask(url: string, ...command: string[]): Promise<string> {
  const client = await connectRedis(url);
  try {
    return String(await client.sendCommand(command));
  } finally {
    client.destroy();
  }
}

/** Kills a master, and restarts it after another server has replaced it. It comes back as a replica of that server. */
async function killed({ servers, replicas }: World, at: number): Promise<void> {
  const own = replicas.slice(2 * at, 2 * at + 2);
  await servers[at]?.kill();
  await eventually(
    async () => {
      const roles = await Promise.all(own.map(({ url }) => ask(url, "ROLE")));
      if (!roles.some((role) => role.startsWith("master"))) throw new Error("Nobody has taken over yet.");
    },
    { withinMs: 20 * DOWN_AFTER_MS },
  );
  await servers[at]?.restart();
}

/** Failovers to a replica, with `endsOnReplicas`. */
export const FAILOVERS: readonly Fault[] = [
  {
    name: "failovers of a cluster's masters, asked for",
    on: { redis: "cluster with replicas", env },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run({ replicas }) {
      for (const at of [0, 2, 4]) {
        await ask(replicas[at]?.url as string, "CLUSTER", "FAILOVER");
        await delay(2_000);
      }
    },
  },
  {
    name: "a cluster's master killed, and back as a replica",
    on: { redis: "cluster with replicas", env },
    promise: BACK,
    withinMs: 2 * HEALS_WITHIN_MS,
    run: (world) => killed(world, 1),
  },
  {
    name: "a failover by a sentinel, asked for",
    on: { redis: "sentinel", env: ON_BOTH },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run({ sentinelPort }) {
      const url = `redis://127.0.0.1:${sentinelPort}`;
      // It reads the replicas from the master once in ten seconds.
      await eventually(() => ask(url, "SENTINEL", "FAILOVER", "main"), { withinMs: 30_000 });
      await delay(5_000);
    },
  },
  {
    name: "a sentinel's master killed, and back as a replica",
    on: { redis: "sentinel", env },
    promise: BACK,
    withinMs: 2 * HEALS_WITHIN_MS,
    run: (world) => killed(world, 0),
  },
];
