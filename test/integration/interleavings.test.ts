import { randomInt } from "node:crypto";
import session from "express-session";
import { memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import type { ListeningServer } from "../support/http-server.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { Gates } from "./gates.ts";
import { startNode } from "./interleaving-node.ts";
import { type ReadStored, runInterleaving } from "./interleavings.ts";

const RUNS = Number(process.env.RUNS ?? 1000);
const AT_ONCE = 8;
/** `SEED=… RUNS=1` repeats the run that failed. */
const firstSeed = Number(process.env.SEED ?? randomInt(2 ** 31));

interface Cluster {
  nodes: ListeningServer[];
  readStored: ReadStored;
  close(): Promise<void>;
}

async function onMemory(gates: Gates): Promise<Cluster> {
  const backend = memoryBackend();
  const node = await startNode({ backend }, gates);
  return {
    nodes: [node],
    readStored: async (sid) => contents((await backend.sessions.read(sid))?.data),
    close: () => node.close(),
  };
}

async function onAnyStore(gates: Gates): Promise<Cluster> {
  const store = new session.MemoryStore();
  const node = await startNode({ store }, gates);
  return {
    nodes: [node],
    readStored: (sid) =>
      new Promise((resolve, reject) => {
        store.get(sid, (error, data) => (error ? reject(error) : resolve(contents(data))));
      }),
    close: () => node.close(),
  };
}

async function onRedis(gates: Gates): Promise<Cluster> {
  const prefix = uniquePrefix("interleavings");
  const clients = await Promise.all([connectRedis(), connectRedis()]);
  const nodes = await Promise.all(
    clients.map((client) => startNode({ backend: redisBackend({ client, prefix }) }, gates)),
  );
  return {
    nodes,
    readStored: async (sid) =>
      contents(JSON.parse((await clients[0]?.get(`${prefix}sess:${sid}`)) ?? "null")),
    async close() {
      for (const node of nodes) await node.close();
      for (const client of clients) client.destroy();
    },
  };
}

function contents(data: object | null | undefined): Record<string, unknown> | undefined {
  return (data as Record<string, unknown> | null) ?? undefined;
}

describe.each([
  ["memory", onMemory, RUNS],
  ["Redis, two nodes", onRedis, RUNS],
  ["any express-session store", onAnyStore, RUNS / 5],
] as const)("%s", (_name, start, runs) => {
  const gates = new Gates();
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await start(gates);
  });
  afterAll(() => cluster.close());

  test(`${runs} interleavings lose no update and bring no session back`, async () => {
    let next = firstSeed;
    async function work(): Promise<void> {
      while (next < firstSeed + runs) {
        const seed = next++;
        try {
          await runInterleaving(seed, cluster.nodes, gates, cluster.readStored);
        } catch (cause) {
          throw new Error(`seed ${seed} (SEED=${seed} RUNS=1): ${(cause as Error).message}`, { cause });
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }, 300_000);
});
