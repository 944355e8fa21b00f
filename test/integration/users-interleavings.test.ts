import { randomInt } from "node:crypto";
import { memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import type { ListeningServer } from "../support/http-server.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { startUsersApp, userOf } from "./users-app.ts";
import { type Inspection, runUsers, type Variant } from "./users-interleavings.ts";
import { asOperation, inTurns } from "./users-turns.ts";

const RUNS = Number(process.env.RUNS ?? 500);
const AT_ONCE = 16;
/** `SEED=… RUNS=1` repeats the run that failed. */
const firstSeed = Number(process.env.SEED ?? randomInt(2 ** 31));

interface Cluster {
  nodes: ListeningServer[];
  inspection: Inspection;
  close(): Promise<void>;
}

async function onMemory(): Promise<Cluster> {
  const backend = memoryBackend();
  const node = await startUsersApp({ backend: inTurns(backend), around: asOperation, ackTimeoutMs: 5000 });
  return {
    nodes: [node],
    inspection: {
      async stored() {
        const users = new Map<string, string | undefined>();
        for await (const [sid, data] of backend.sessions.walk()) users.set(sid, userOf(data));
        return users;
      },
      entered: async (user) => new Set((await backend.sessionIndex.entries(user)).map(({ sid }) => sid)),
    },
    close: () => node.close(),
  };
}

async function onRedis(): Promise<Cluster> {
  const prefix = uniquePrefix("users");
  const clients = await Promise.all([connectRedis(), connectRedis()]);
  const [client] = clients;
  const backends = clients.map((each) => redisBackend({ client: each, prefix }));
  const nodes = await Promise.all(
    backends.map((backend) =>
      startUsersApp({ backend: inTurns(backend), around: asOperation, ackTimeoutMs: 5000 }),
    ),
  );
  return {
    nodes,
    inspection: {
      async stored() {
        const keys = await client.keys(`${prefix}sess:*`);
        const texts = keys.length > 0 ? await client.mGet(keys) : [];
        return new Map(
          texts.flatMap((text, at) => {
            const sid = keys[at]?.slice(`${prefix}sess:`.length) as string;
            return text === null ? [] : [[sid, userOf(JSON.parse(text))] as const];
          }),
        );
      },
      async entered(user) {
        const entries = await client.zRangeWithScores(`${prefix}session-stack:user:${user}:sessions`, 0, -1);
        return new Set(entries.filter(({ score }) => score > 0).map(({ value }) => value));
      },
    },
    async close() {
      for (const node of nodes) await node.close();
      for (const backend of backends) await backend.close();
      for (const each of clients) each.destroy();
    },
  };
}

describe.each([
  ["memory", onMemory, RUNS / 2],
  ["Redis, two nodes", onRedis, RUNS],
] as const)("%s", (_name, start, runs) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await start();
  });
  afterAll(() => cluster?.close());

  async function attack(variant: Variant, count: number): Promise<void> {
    let next = firstSeed;
    async function work(): Promise<void> {
      while (next < firstSeed + count) {
        const seed = next++;
        try {
          await runUsers(seed, cluster.nodes, cluster.inspection, variant);
        } catch (cause) {
          next = Number.POSITIVE_INFINITY;
          throw new Error(`seed ${seed} (SEED=${seed} RUNS=1): ${(cause as Error).message}`, { cause });
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  test(`deleteUserSessions misses no login that finished before it, in ${runs} interleavings`, async () => {
    await attack("logins", runs);
  }, 300_000);

  test("deleteUserSessions misses no login of a session that changes its user in place", async () => {
    await attack("hands", runs / 5);
  }, 300_000);
});
