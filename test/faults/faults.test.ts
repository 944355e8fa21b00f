import { randomInt } from "node:crypto";
import { type Backend, memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { startFaultyApp } from "./app.ts";
import { Faults, type Operation } from "./faults.ts";
import { type Place, runProgram } from "./program.ts";

const RUNS = Number(process.env.RUNS ?? 200);
const AT_ONCE = 16;
/** `SEED=… RUNS=1` repeats the program that failed. */
const firstSeed = Number(process.env.SEED ?? randomInt(2 ** 31));
const timeoutMs = Number(process.env.TIMEOUT_MS ?? 150);

async function placeOf(backends: readonly Backend[]): Promise<Place & { close(): Promise<void> }> {
  const faults = new Faults(2 * timeoutMs);
  const operations = new Map<string, Operation>();
  const operationOf = (id: string | undefined) => (id === undefined ? undefined : operations.get(id));
  const online = new Map<string, number>();
  const nodes = await Promise.all(
    backends.map((backend) => startFaultyApp({ backend, faults, timeoutMs, operationOf, online })),
  );
  return {
    nodes,
    backend: backends[0] as Backend,
    faults,
    operations,
    online,
    async close() {
      for (const node of nodes) await node.close();
      for (const backend of new Set(backends)) await backend.close();
    },
  };
}

async function onMemory() {
  const backend = memoryBackend();
  return placeOf([backend, backend]);
}

async function onRedis() {
  const prefix = uniquePrefix("faults");
  const clients = await Promise.all([connectRedis(), connectRedis()]);
  const place = await placeOf(clients.map((client) => redisBackend({ client, prefix })));
  return {
    ...place,
    async close() {
      await place.close();
      for (const client of clients) client.destroy();
    },
  };
}

/** Each call of a login, a delete and a join may fail: a late, lost or wrong answer, with or without effect. */
describe.each([
  ["memory", onMemory],
  ["Redis", onRedis],
])("calls that fail, on %s", (_name, open) => {
  test(
    `${RUNS} programs keep all guarantees`,
    async () => {
      const place = await open();
      const failures: Error[] = [];
      try {
        let next = 0;
        const runner = async () => {
          while (next < RUNS && failures.length === 0)
            await runProgram(firstSeed + next++, place).catch((error) => failures.push(error));
        };
        await Promise.all(Array.from({ length: AT_ONCE }, runner));
      } finally {
        await place.close();
      }
      expect(failures.map(({ message }) => message)).toEqual([]);
    },
    Math.max(60_000, RUNS * 400),
  );
});
