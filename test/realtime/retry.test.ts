import type { WebSocket } from "ws";
import { type Backend, memoryBackend } from "../../lib/index.ts";
import type { Outcomes } from "../../lib/outcomes/outcomes.ts";
import { redisBackend } from "../../lib/redis.ts";
import { eventually } from "../support/eventually.ts";
import { beforeNext, lost } from "../support/next-call.ts";
import { seededRandom } from "../support/random.ts";
import { closedAfterThisTest } from "../users/support.ts";
import {
  connect,
  countOf,
  gate,
  next,
  open,
  redisPlace,
  refused,
  type Served,
  send,
  serve,
  signIn,
  takeFailures,
} from "./support.ts";

const key = "0123456789abcdef";

interface Calls {
  readonly handled: unknown[];
  /** Set to hold the handlers of `count`. */
  hold: Promise<unknown> | undefined;
}

function nodeOf(backend: Backend, calls: Calls, handlerTimeoutMs = 20_000): Promise<Served> {
  return serve({
    backend,
    realtime: { handlerTimeoutMs },
    setUp: (chat) =>
      void chat
        .on("count", async (_, data) => {
          const n = calls.handled.push(data);
          await calls.hold;
          return { n };
        })
        .on("fail", (_, data) => {
          calls.handled.push(data);
          throw Object.assign(new Error("no such room"), { expose: true, code: "no_room" });
        })
        .on("large", (_, data) => "x".repeat(70_000 + calls.handled.push(data))),
  });
}

function ask(ws: WebSocket, type: string, id: number, asked: unknown = key, data: object = {}): void {
  ws.send(JSON.stringify({ event_type: type, data, id, key: asked }));
}

async function repeat(ws: WebSocket, type: string, id: number): Promise<Record<string, unknown>> {
  ask(ws, type, id);
  return next(ws);
}

const newCalls = (): Calls => ({ handled: [], hold: undefined });

/** Two nodes: one Redis with a backend each, or one backend of memory for both. */
const pairs: { place: string; make: () => Promise<[Backend, Backend]> }[] = [
  {
    place: "memory",
    make: async () => {
      const backend = closedAfterThisTest(memoryBackend());
      return [backend, backend];
    },
  },
  {
    place: "Redis",
    make: async () => {
      const { backend, client, prefix } = await redisPlace();
      return [backend, closedAfterThisTest(redisBackend({ client, prefix }))];
    },
  },
];

describe.each(pairs)("a request with a key, on $place", ({ make }) => {
  let calls: Calls;
  let one: Served;
  let other: Served;
  let backends: [Backend, Backend];

  async function start(handlerTimeoutMs?: number): Promise<void> {
    calls = newCalls();
    backends = await make();
    one = await nodeOf(backends[0], calls, handlerTimeoutMs);
    other = await nodeOf(backends[1], calls, handlerTimeoutMs);
  }

  it("is handled once, and its answer is given again, also on another node", async () => {
    await start();
    const { ws } = await connect(one);
    const mine = await connect(one, "ada");
    const again = await connect(other, "ada");
    expect(await repeat(mine.ws, "count", 1)).toEqual({ id: 1, status: "success", data: { n: 1 } });
    expect(await repeat(mine.ws, "count", 2)).toEqual({ id: 2, status: "success", data: { n: 1 } });
    expect(await repeat(again.ws, "count", 3)).toEqual({ id: 3, status: "success", data: { n: 1 } });
    // Without a user the key is that of the session.
    expect(await repeat(ws, "count", 4)).toEqual({ id: 4, status: "success", data: { n: 2 } });
    expect(await repeat((await connect(other, "bob")).ws, "count", 5)).toMatchObject({ data: { n: 3 } });
  });

  it("gives the handler's error again", async () => {
    await start();
    const { ws } = await connect(one, "ada");
    const again = await connect(other, "ada");
    expect(await repeat(ws, "fail", 1)).toEqual({ id: 1, ...refused("no_room") });
    expect(await repeat(again.ws, "fail", 2)).toEqual({
      id: 2,
      status: "error",
      error: { code: "no_room", message: "no such room" },
    });
    expect(calls.handled).toHaveLength(1);
  });

  it("that is repeated while it is handled waits for the outcome, though its line is lost", async () => {
    await start();
    const held = gate();
    calls.hold = held.opened;
    const browser = await signIn(one);
    const first = await open(one, browser);
    const again = await connect(other, "ada");
    ask(first.ws, "count", 1);
    await eventually(() => expect(calls.handled).toHaveLength(1));
    first.ws.terminate();
    ask(again.ws, "count", 2);
    await eventually(() => expect(one.closings).toHaveLength(1));
    held.open();
    expect(await next(again.ws)).toEqual({ id: 2, status: "success", data: { n: 1 } });
    expect(calls.handled).toHaveLength(1);
  });

  it("is answered with outcome_unknown if there is no outcome in time, and is not handled again", async () => {
    await start(300);
    const { ws } = await connect(other, "ada");
    // Its node has died after the claim.
    await backends[0].outcomes?.claim(`user:ada:${key}`, 60_000);
    expect(await repeat(ws, "count", 1)).toEqual({ id: 1, ...refused("outcome_unknown") });
    expect(calls.handled).toEqual([]);
  });

  it("keeps no large answer", async () => {
    await start();
    const { ws } = await connect(one, "ada");
    expect(await repeat(ws, "large", 1)).toMatchObject({ id: 1, status: "success" });
    expect(await repeat(ws, "large", 2)).toEqual({ id: 2, ...refused("outcome_unknown") });
    expect(calls.handled).toHaveLength(1);
  });

  it.each([1, 2, 3])("is handled exactly once under drops (seed %i)", async (seed) => {
    await start();
    const random = seededRandom(seed);
    const browsers = [await signIn(one), await signIn(other)];
    const nodes = [one, other];
    for (let n = 0; n < 12; n++) {
      const own = `request-number-${seed}-${n}-`;
      let answer: Record<string, unknown> | undefined;
      while (!answer) {
        const at = random.int(2);
        const { ws } = await open(nodes[at] as Served, browsers[at] as never);
        ask(ws, "count", n, own, { n });
        if (random.chance(0.5)) ws.terminate();
        else answer = await next(ws);
      }
      expect({ seed, n, answer }).toEqual({
        seed,
        n,
        answer: { id: n, status: "success", data: expect.anything() },
      });
    }
    expect(calls.handled.map((data) => (data as { n: number }).n)).toEqual([...Array(12).keys()]);
  });
});

describe("a key", () => {
  it.each([
    ["too short", { key: "0123456789abcde", id: 1 }],
    ["too long", { key: "k".repeat(65), id: 1 }],
    ["with other characters", { key: "0123456789abcde.", id: 1 }],
    ["that is no text", { key: 1234567890123456, id: 1 }],
    ["without an id", { key }],
  ])("%s is answered with bad_message", async (_, message) => {
    const calls = newCalls();
    const { ws } = await connect(await nodeOf(closedAfterThisTest(memoryBackend()), calls), "ada");
    ws.send(JSON.stringify({ event_type: "count", ...message }));
    expect(await next(ws)).toMatchObject(refused("bad_message"));
    expect(calls.handled).toEqual([]);
  });

  it("is answered with retry_unsupported by a backend without outcomes", async () => {
    const calls = newCalls();
    const { outcomes: _, ...backend } = closedAfterThisTest(memoryBackend());
    const { ws } = await connect(await nodeOf(backend, calls), "ada");
    expect(await repeat(ws, "count", 1)).toEqual({ id: 1, ...refused("retry_unsupported") });
    expect(calls.handled).toEqual([]);
  });

  it("is answered with outcome_unknown if the backend does not answer, and an error event follows", async () => {
    const calls = newCalls();
    const backend = closedAfterThisTest(memoryBackend());
    const served = await nodeOf(backend, calls);
    const { ws } = await connect(served, "ada");
    beforeNext(backend.outcomes as Outcomes, "claim", lost);
    expect(await repeat(ws, "count", 1)).toEqual({ id: 1, ...refused("outcome_unknown") });
    expect(takeFailures(served)).toEqual([expect.stringContaining("store failed")]);
    expect(calls.handled).toEqual([]);
  });
});

it("an event without a key makes no call for outcomes", async () => {
  const calls = newCalls();
  const backend = closedAfterThisTest(memoryBackend());
  const called: unknown[] = [];
  const outcomes = new Proxy(backend.outcomes as Outcomes, {
    get: (target, name) => {
      called.push(name);
      return (Reflect.get(target, name) as () => unknown).bind(target);
    },
  });
  const { ws } = await connect(await nodeOf({ ...backend, outcomes }, calls), "ada");
  for (const id of [1, 2]) {
    send(ws, "count", {}, id);
    expect(await next(ws)).toEqual({ id, status: "success", data: { n: id } });
  }
  expect(called).toEqual([]);
  await repeat(ws, "count", 3);
  expect(called).toEqual(["claim", "keep"]);
});

it("nothing is answered to a connection whose session has ended", async () => {
  const calls = newCalls();
  const held = gate();
  calls.hold = held.opened;
  const served = await nodeOf(closedAfterThisTest(memoryBackend()), calls);
  const first = await connect(served, "ada");
  const again = await connect(served, "ada");
  ask(first.ws, "count", 1);
  await eventually(() => expect(calls.handled).toHaveLength(1));
  const before = countOf(again.ws);
  ask(again.ws, "count", 2);
  await served.users.deleteUserSessions("ada");
  held.open();
  await eventually(() => expect(served.closings).toHaveLength(2));
  expect(countOf(again.ws)).toBe(before);
  expect(calls.handled).toHaveLength(1);
});
