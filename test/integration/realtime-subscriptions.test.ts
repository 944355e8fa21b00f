import { randomInt } from "node:crypto";
import type { Clock } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { COMING_AND_GOING, RealtimeOperations } from "./realtime-operations.ts";
import { type Pair, startPair } from "./realtime-pair.ts";

const RUNS = Number(process.env.RUNS ?? 40);
const OPERATIONS = 500;
/** `SEED=… RUNS=1` repeats the run that failed, as far as the machine does. */
const firstSeed = Number(process.env.SEED ?? randomInt(2 ** 31));

/** Ticks a thousand times a second, so channels are unsubscribed while their users come back. */
const fastClock: Clock = {
  now: () => Date.now(),
  every(ms, step) {
    const timer = setInterval(step, ms / 1000).unref();
    return () => clearInterval(timer);
  },
  after(ms, step) {
    const timer = setTimeout(step, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** A channel without receivers stays subscribed for ten ticks. */
const forLonger = { withinMs: 25_000 };

let pair: Pair;
afterEach(() => pair?.close());

/** The number of nodes that are subscribed to a channel. */
async function subscribers(channel: string): Promise<number> {
  const name = `${pair.prefix}session-stack:bus:${channel}`;
  return (await pair.redis.pubSubNumSub([name]))[name] ?? 0;
}

async function channels(): Promise<string[]> {
  const all = await pair.redis.pubSubChannels(`${pair.prefix}*`);
  return all.map((name) => name.slice(`${pair.prefix}session-stack:bus:`.length)).sort();
}

test("a node is subscribed to a user and a group while it has a connection of them, and for ten seconds longer", async () => {
  pair = await startPair({ graceMs: 0 });
  const [here, there] = pair.nodes;
  const own = ["nodes", ...pair.nodes.map(({ backend }) => `node:${backend.node.id}`)].sort();
  for (const user of ["ann", "bob", "absent"]) await here.chat.join(user, "red");
  await here.chat.join("absent", "blue");
  expect(await channels()).toEqual(own);

  const first = await pair.users.connect("ann", 0);
  const second = await pair.users.connect("ann", 1);
  const bob = await pair.users.connect("bob", 1);
  expect(await channels()).toEqual(["group:red", ...own, "user:ann", "user:bob"].sort());
  expect(await subscribers("user:ann")).toBe(2);
  expect(await subscribers("user:bob")).toBe(1);
  expect(await subscribers("group:red")).toBe(2);

  await first.close();
  await eventually(async () => {
    expect(await subscribers("user:ann")).toBe(1);
    expect(await subscribers("group:red")).toBe(1);
  }, forLonger);
  await second.close();
  await eventually(
    async () => expect(await channels()).toEqual(["group:red", ...own, "user:bob"].sort()),
    forLonger,
  );

  // The user leaves the group, and the connection stays.
  await here.chat.leave("bob", "red");
  await eventually(async () => expect(await channels()).toEqual([...own, "user:bob"].sort()), forLonger);
  await here.chat.join("bob", "red");
  expect(await subscribers("group:red")).toBe(1);
  await there.chat.group("red").send("message", { from: "again" });
  await eventually(() => expect(bob.messages).toEqual([{ from: "again" }]));
  await bob.close();
  await eventually(async () => expect(await channels()).toEqual(own), forLonger);
}, 120_000);

test(`the only member of a group, who comes and goes, misses no message in ${RUNS * OPERATIONS} operations`, async () => {
  pair = await startPair({ graceMs: 0, clock: fastClock, timeoutMs: 30_000, ackTimeoutMs: 30_000 });
  for (let seed = firstSeed; seed < firstSeed + RUNS; seed++) {
    try {
      await new RealtimeOperations(seed, pair.nodes, COMING_AND_GOING).run(OPERATIONS);
    } catch (cause) {
      throw new Error(`seed ${seed} (SEED=${seed} RUNS=1): ${(cause as Error).message}`, { cause });
    }
  }
  const errors = pair.nodes.flatMap(({ told }) => told.filter(({ event }) => event === "error"));
  expect(errors).toEqual([]);
  await pair.users.close();
  await eventually(async () => expect(await channels()).toHaveLength(3));
}, 180_000);
