import { randomInt } from "node:crypto";
import type { Backend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { seededRandom } from "../support/random.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RealtimeApp, startRealtimeApp } from "./realtime-app.ts";
import { RealtimeOperations } from "./realtime-operations.ts";
import { slowBackend } from "./slow-backend.ts";

const RUNS = Number(process.env.RUNS ?? 10);
const OPERATIONS = 500;
/** `SEED=… RUNS=1` repeats the run that failed, as far as the machine does. */
const firstSeed = Number(process.env.SEED ?? randomInt(2 ** 31));

describe.each([
  ["two nodes", (backend: Backend) => backend],
  ["two nodes with a slow backend", (backend: Backend) => slowBackend(backend, seededRandom(firstSeed))],
])("%s", (_, adapt) => {
  let clients: RedisClient[];
  let nodes: RealtimeApp[];

  beforeAll(async () => {
    const prefix = uniquePrefix("model");
    clients = await Promise.all([connectRedis(), connectRedis()]);
    const backends = clients.map((client) => adapt(redisBackend({ client, prefix })));
    // A process that stands still must not cost anybody a message.
    const patience = { timeoutMs: 30_000, ackTimeoutMs: 30_000 };
    nodes = await Promise.all(
      backends.map((backend) => startRealtimeApp({ backend, graceMs: 0, ...patience })),
    );
  });

  afterAll(async () => {
    for (const node of nodes ?? []) {
      await node.close();
      await node.backend.close();
    }
    for (const client of clients ?? []) client.destroy();
  });

  test(`deliver as the model says in ${RUNS * OPERATIONS} operations`, async () => {
    for (let seed = firstSeed; seed < firstSeed + RUNS; seed++) {
      try {
        await new RealtimeOperations(seed, nodes).run(OPERATIONS);
      } catch (cause) {
        throw new Error(`seed ${seed} (SEED=${seed} RUNS=1): ${(cause as Error).message}`, { cause });
      }
    }
    const errors = nodes.flatMap(({ told }) => told.filter(({ event }) => event === "error"));
    expect(errors).toEqual([]);
  }, 300_000);
});
