import { realtimeClient } from "../../lib/client.ts";
import { seededRandom } from "../support/random.ts";
import { ModelServer, ModelSocket, PATIENCE_MS } from "./recovery-model.ts";

const STEPS = 60;
const SEQUENCES = Number(process.env.RUNS ?? 600);

/** One client, and a server that does its worst. Resolves to how many messages arrived after a loss or a gap. */
async function run(seed: number): Promise<{ given: number; lost: number; recovered: number }> {
  const random = seededRandom(seed);
  const server = new ModelServer(random);
  const names = [...server.channels.keys()];
  const given = new Map<string, number[]>(names.map((name) => [name, []]));
  const lost = new Set<string>();
  let losses = 0;
  let recovered = 0;
  const client = realtimeClient({
    url: "ws://model/",
    WebSocket: class extends ModelSocket {
      constructor() {
        super(server);
      }
    },
    heartbeatIntervalMs: 0,
    requestTimeoutMs: PATIENCE_MS,
    minReconnectDelayMs: 1,
    maxReconnectDelayMs: 1,
  });
  client.on("message", ({ name, n }) => given.get(name)?.push(n));
  client.onLost((channel) => {
    losses++;
    lost.add(channel);
  });
  let isConnecting = true;
  client.onState((state, info) => {
    if (state === "waiting" && !isConnecting) losses = 0;
    isConnecting = state !== "open";
    if (info.recovered !== undefined) {
      expect(info.recovered).toBe(losses === 0);
      if (info.recovered) recovered++;
    }
  });
  await jest.advanceTimersByTimeAsync(1);
  server.deliver();
  for (let step = 0; step < STEPS; step++) {
    const name = random.pick(names);
    if (random.chance(0.6)) server.append(name);
    if (random.chance(0.01)) server.trim(name);
    if (random.chance(0.005)) server.renew(name);
    if (random.chance(0.04)) server.drop();
    server.deliver(random.int(6));
    await jest.advanceTimersByTimeAsync(random.chance(0.1) ? random.int(20_000) : random.int(3));
  }
  server.isKind = true;
  if (!server.isOpen) await jest.advanceTimersByTimeAsync(30_000);
  for (const name of names) server.append(name);
  // A last message shows the gaps before it.
  for (let turn = 0; turn < 40; turn++) {
    server.deliver();
    await jest.advanceTimersByTimeAsync(2_000);
  }
  for (const name of names) server.append(name);
  for (let turn = 0; turn < 10; turn++) {
    server.deliver();
    await jest.advanceTimersByTimeAsync(300);
  }
  client.close();
  expect(jest.getTimerCount()).toBe(0);
  expect(server.mistakes).toEqual([]);
  for (const [name, { due, mayLose }] of server.channels) {
    const got = given.get(name) as number[];
    if (!lost.has(name)) expect([name, ...got]).toEqual([name, ...due]);
    else {
      expect([name, mayLose]).toEqual([name, true]);
      expect([...new Set(got)].sort((one, other) => one - other)).toEqual(got);
      expect(got.at(-1)).toBe(due.at(-1));
    }
  }
  return { given: [...given.values()].flat().length, lost: lost.size, recovered };
}

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: SEQUENCES }, (_, index) => Date.now() + index);

beforeAll(() => jest.useFakeTimers());
afterAll(() => jest.useRealTimers());

test("whatever a server, a store and a line do, each message is given once and in order, or its channel is told as lost", async () => {
  const total = { given: 0, lost: 0, recovered: 0 };
  for (const seed of seeds) {
    const { given, lost, recovered } = await run(seed).catch((cause: Error) => {
      throw new Error(`SEED=${seed}: ${cause.message}`, { cause });
    });
    total.given += given;
    total.lost += lost;
    total.recovered += recovered;
  }
  // If nearly nothing got through, this would have shown nothing.
  if (seeds.length === 1) return;
  expect(total.given).toBeGreaterThan(seeds.length * 20);
  expect(total.lost).toBeGreaterThan(seeds.length / 20);
  expect(total.recovered).toBeGreaterThan(seeds.length / 2);
}, 60_000);
