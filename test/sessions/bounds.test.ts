import { setImmediate as nextTurn } from "node:timers/promises";
import { Bounds } from "../../lib/sessions/bounds.ts";
import { within } from "../../lib/sessions/within.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";

const timeoutMs = 50;
let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

/** Asks Redis, and keeps this process from everything else until the answer has been there for long. */
async function standStillOver(asking: Promise<unknown>): Promise<unknown> {
  const answer = asking.catch((error) => error);
  // The client has written by then, and nothing is read before this goes on.
  await nextTurn();
  const until = performance.now() + 4 * timeoutMs;
  while (performance.now() < until);
  return answer;
}

test("an answer that came in time to a process that stood still is no timeout", async () => {
  // Redis may stand still as well now and then.
  const calls = [
    () => new Bounds(timeoutMs).call(() => client.ping()),
    () => within(client.ping(), timeoutMs),
  ];
  for (const call of calls) await eventually(async () => expect(await standStillOver(call())).toBe("PONG"));
});

test("one that stood still ends a call that was not answered all the same", async () => {
  const unavailable = { code: "ERR_STORE_UNAVAILABLE" };
  const never = () => new Promise<never>(() => {});
  expect(await standStillOver(new Bounds(timeoutMs).call(never))).toMatchObject(unavailable);
  expect(await standStillOver(within(never(), timeoutMs))).toMatchObject(unavailable);
});
