import type { WebSocket } from "ws";
import { type Backend, memoryBackend, type RealtimeOptions, type Sighting } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connectRedis } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { closedAfterThisTest } from "../users/support.ts";
import { afterThisTest, ask, open, places, serve, signIn, takeFailures } from "./support.ts";

const TICK_MS = 1_000;
const QUARTER_MS = 15_000;

let clock: FakeClock;
/** The calls of the registry in this test, and whether they fail. */
let told: Sighting[];
let isFailing: boolean;

beforeEach(() => {
  clock = new FakeClock();
  told = [];
  isFailing = false;
});

/** A backend whose registry records its calls. */
function overheard(backend: Backend): Backend {
  const registry = new Proxy(backend.registry, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "saw") return member.bind(target);
      return async (sightings: readonly Sighting[]) => {
        told.push(...sightings);
        if (isFailing) throw new Error("the registry fails");
        return target.saw(sightings);
      };
    },
  });
  return { ...backend, registry };
}

/** Memory on the clock of this test. */
function memory(): Backend {
  return closedAfterThisTest(memoryBackend({ now: () => clock.now(), leaseMs: 86_400_000 }));
}

async function withClock(backend: Backend, options: RealtimeOptions = {}) {
  const served = await serve({
    backend: overheard(backend),
    realtime: { clock, pingIntervalMs: 0, ...options },
  });
  const browser = await signIn(served, "ada");
  return { served, browser, ...(await open(served, browser)) };
}

/** Sends a message on a line once in each second. */
async function talk(ws: WebSocket, seconds: number, afterEach: () => unknown = () => {}): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await ask(ws, "echo");
    await clock.advance(TICK_MS);
    await afterEach();
  }
}

// Once, they were written each second.
test.each(places)(
  "the activity of a user with a message each second is written once in a quarter of the threshold, on $place",
  async ({ open: openPlace }) => {
    const { ws, line } = await withClock(await openPlace());
    await talk(ws, 60);
    expect(new Set(told.map(({ record }) => record.id))).toEqual(new Set([line.id]));
    expect(told.length).toBeLessThanOrEqual(4);
  },
);

test("with a threshold of four seconds, activity is written with each tick", async () => {
  const { ws } = await withClock(memory(), { inactivityThresholdSeconds: 4 });
  await talk(ws, 10);
  // The first connection was active at the moment of its arrival.
  expect(told).toHaveLength(9);
});

test("without a threshold, activity is written once a minute, so the registry can report lost connections", async () => {
  const { ws } = await withClock(memory(), { inactivityThresholdSeconds: Number.POSITIVE_INFINITY });
  await talk(ws, 65);
  expect(told).toHaveLength(1);
});

test("activity costs two Redis commands, each once in a quarter of the threshold", async () => {
  const server = await startRedisServer();
  const client = await connectRedis(server.url);
  afterThisTest(async () => {
    client.destroy();
    await server.stop();
  });
  const { ws } = await withClock(closedAfterThisTest(redisBackend({ client })));
  await client.configResetStat();
  await talk(ws, 60);
  // No other command adds to a SET here.
  const [, sAdds] = /cmdstat_sadd:calls=(\d+)/.exec(await client.info("commandstats")) ?? [];
  expect(Number(sAdds)).toBeGreaterThanOrEqual(1);
  expect(Number(sAdds)).toBeLessThanOrEqual(4);
});

test("other nodes see activity that is never older than that", async () => {
  const backend = memory();
  const { ws, line } = await withClock(backend);
  await talk(ws, 40, async () => {
    const [seen] = await backend.registry.ofUser("ada");
    expect(line.lastSeen - (seen?.lastSeen ?? 0)).toBeLessThan(QUARTER_MS);
  });
});

test("a failed write is repeated with the next tick", async () => {
  const { served, ws } = await withClock(memory());
  isFailing = true;
  await talk(ws, 20);
  expect(takeFailures(served)).toEqual([expect.stringContaining("failed")]);
  expect(told.length).toBeGreaterThanOrEqual(5);
  isFailing = false;
  told.length = 0;
  await talk(ws, 10);
  expect(told).toHaveLength(1);
});

test("a connection that was active just before a write was due is not swept before it closes", async () => {
  const { served, browser, ws, line } = await withClock(memory());
  await clock.advance(QUARTER_MS - TICK_MS);
  await ask(ws, "echo");
  await clock.advance(59_999);
  expect(told).toEqual([]);
  expect(line.ws.readyState).toBe(line.ws.OPEN);
  const { line: second } = await open(served, browser);
  const active = await served.chat.activeSessions("ada");
  expect(active.map(({ id }) => id).sort()).toEqual([line.id, second.id].sort());
});
