import {
  cookieMiddleware,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { places, secret, sharedRedis } from "../users/support.ts";

/** More than the ten listeners above which Node warns. */
const ROUNDS = 12;

const warnings: Error[] = [];
const onWarning = (warning: Error) => warnings.push(warning);
beforeAll(() => process.on("warning", onWarning));
afterAll(() => process.off("warning", onWarning));

async function expectNoWarnings(): Promise<void> {
  // Node reports the warnings one turn later.
  await new Promise(setImmediate);
  expect(warnings).toEqual([]);
}

describe.each(places)("close on $place", ({ open }) => {
  test("removes all listeners of WebSocket sessions and realtime", async () => {
    const backend = await open();
    const { node } = backend;
    const listening = { answer: 0, onGap: 0 };
    for (const method of ["answer", "onGap"] as const) {
      const original = node[method].bind(node) as (...args: unknown[]) => () => void;
      node[method] = (...args: unknown[]) => {
        listening[method]++;
        const letGo = original(...args);
        return () => {
          listening[method]--;
          letGo();
        };
      };
    }
    const stack = sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret, backend }));
    const before = { ...listening };
    for (let round = 0; round < ROUNDS; round++) {
      const wsSessions = webSocketSessions(stack).attach(realtime());
      expect(listening.answer).toBeGreaterThan(before.answer);
      await wsSessions.close();
      expect(listening).toEqual(before);
    }
    await expectNoWarnings();
  });

  test("of a backend ends the node", async () => {
    const { node, close } = await open();
    await node.join();
    expect(node.hasJoined).toBe(true);
    await close();
    expect(node.hasJoined).toBe(false);
  });
});

// Once, it kept a line open and listened to the app's client as long as the client existed.
test("of a Redis backend during its join leaves nothing behind", async () => {
  const client = await sharedRedis();
  const count = () => ["end", "disconnect"].map((event) => client.listenerCount(event));
  const before = count();
  for (const turns of [0, 1, 2, 4, 8]) {
    const backend = redisBackend({ client, prefix: uniquePrefix("close") });
    const joining = backend.node.join().catch(() => {});
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    await backend.close();
    await joining;
    expect(backend.node.hasJoined).toBe(false);
    expect(count()).toEqual(before);
    await expect(backend.bus.subscribe("late", () => {})).rejects.toThrow("The backend is closed");
    expect(count()).toEqual(before);
  }
});

test("of a Redis backend removes its listeners from the app's client", async () => {
  const client = await sharedRedis();
  const count = () => ["end", "disconnect"].map((event) => client.listenerCount(event));
  const before = count();
  for (let round = 0; round < ROUNDS; round++) {
    const backends = [1, 2].map(() => redisBackend({ client, prefix: uniquePrefix("close") }));
    await Promise.all(backends.map(({ node }) => node.join()));
    expect(count()).not.toEqual(before);
    await backends[0]?.close();
    expect(count()).not.toEqual(before);
    await backends[1]?.close();
    expect(count()).toEqual(before);
  }
  await expectNoWarnings();
});
