import { setImmediate as nextTurn } from "node:timers/promises";
import { Bounds } from "../../lib/calls/bounds.ts";
import { inTime } from "../../lib/calls/in-time.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";

const timeoutMs = 50;
let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

/** Sends a command to Redis, and blocks this process until long after the answer has arrived. */
async function standStillOver(asking: Promise<unknown>): Promise<unknown> {
  const answer = asking.catch((error) => error);
  // The client has written by then, and reads nothing before this loop ends.
  await nextTurn();
  const until = performance.now() + 4 * timeoutMs;
  while (performance.now() < until);
  return answer;
}

test("an answer that arrived in time while the process stood still is no timeout", async () => {
  // Redis may stand still at times as well.
  const calls = [
    () => new Bounds(timeoutMs).call(() => client.ping()),
    () => inTime(client.ping(), timeoutMs),
  ];
  for (const call of calls) await eventually(async () => expect(await standStillOver(call())).toBe("PONG"));
});

describe("A call that is never answered", () => {
  const lateMs = 20;
  const never = () => new Promise<never>(() => {});
  const full = { code: "ERR_STORE_UNAVAILABLE", message: expect.stringContaining("too many calls") };
  const numbers = Array.from({ length: 10_000 });

  // Once, after 10,000 of them in a process's life every request was answered with 503.
  test("gives its place back once the backend has answered a call that was made long after it", async () => {
    const bounds = new Bounds(lateMs);
    await Promise.allSettled(numbers.map(() => bounds.call(never)));
    // The first call that gets through is an occasional try.
    await eventually(async () => expect(await bounds.call(async () => "answered")).toBe("answered"));
    // Some calls may have been late a moment less than the first.
    await new Promise((resolve) => setTimeout(resolve, 20 * lateMs));
    await eventually(() => bounds.call(async () => {}));
    // All places are free again, and no more than there are.
    let asked = 0;
    const calls = numbers.map(() =>
      bounds.call(() => {
        asked++;
        return never();
      }),
    );
    expect(asked).toBe(10_000);
    await expect(bounds.call(never)).rejects.toMatchObject(full);
    await Promise.allSettled(calls);
  });

  test("keeps its place for long after the backend has answered others, because it may only be slow", async () => {
    const bounds = new Bounds(200);
    await Promise.allSettled(numbers.slice(1).map(() => bounds.call(never)));
    // Soon after them, and they are not lost before two seconds have passed.
    for (let n = 0; n < 3; n++) expect(await bounds.call(async () => "answered")).toBe("answered");
    const last = bounds.call(never);
    await expect(bounds.call(never)).rejects.toMatchObject(full);
    await last.catch(() => {});
  });

  test("keeps its place while the backend answers nothing, because an offline client may queue it", async () => {
    const bounds = new Bounds(lateMs);
    await Promise.allSettled(numbers.map(() => bounds.call(never)));
    let asked = 0;
    const until = performance.now() + 40 * lateMs;
    const ask = () => {
      asked++;
      return never();
    };
    while (performance.now() < until) await bounds.call(ask).catch(() => nextTurn());
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(40);
  });

  test("frees its place only once if it is answered after all", async () => {
    const bounds = new Bounds(lateMs);
    const answers: (() => void)[] = [];
    const late = () => new Promise<void>((resolve) => void answers.push(resolve));
    await Promise.allSettled(numbers.map(() => bounds.call(late)));
    await eventually(() => bounds.call(async () => {}));
    for (const answer of answers) answer();
    await nextTurn();
    const calls = numbers.map(() => bounds.call(never));
    await expect(bounds.call(never)).rejects.toMatchObject(full);
    await Promise.allSettled(calls);
  });
});

test("calls of one purpose take no places of another, and are timed together", async () => {
  const bounds = new Bounds(timeoutMs);
  const told: string[] = [];
  const sends = bounds.for("sends");
  bounds.onCall((result) => told.push(result));
  const silent = Array.from({ length: 10_001 }, () => sends.call(() => new Promise<never>(() => {})));
  expect(await bounds.call(async () => "answered")).toBe("answered");
  expect(await bounds.for("maintenance").call(async () => "answered")).toBe("answered");
  expect(bounds.for("sends")).toBe(sends);
  await Promise.allSettled(silent);
  expect(told).toHaveLength(2 + 10_000);
});

test("an unanswered call ends even if the process stood still", async () => {
  const unavailable = { code: "ERR_STORE_UNAVAILABLE" };
  const never = () => new Promise<never>(() => {});
  expect(await standStillOver(new Bounds(timeoutMs).call(never))).toMatchObject(unavailable);
  expect(await standStillOver(inTime(never(), timeoutMs))).toMatchObject(unavailable);
});
