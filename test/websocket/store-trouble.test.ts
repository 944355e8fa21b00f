import { memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import type { UpgradeRefusedError } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { memorystorePlace } from "./places.ts";
import { ask, type Served, serve, signIn } from "./support.ts";

const timeoutMs = 1_000;
const unavailable = { code: "ERR_STORE_UNAVAILABLE" };

/** Asserts that a handshake is refused with 503 and Retry-After, soon after the store fails, and not before. */
async function expectUnavailable(handshake: Promise<unknown>): Promise<void> {
  const began = performance.now();
  const error = (await handshake.catch((reason: unknown) => reason)) as UpgradeRefusedError;
  expect(error).toMatchObject({ statusCode: 503 });
  expect(error.headers).toMatchObject({ "retry-after": "1", connection: "close" });
  expect(performance.now() - began).toBeLessThan(3 * timeoutMs);
}

describe("when Redis is in trouble", () => {
  let redis: RedisServer;
  let client: RedisClient;
  let served: Served;

  beforeAll(async () => {
    redis = await startRedisServer();
  });

  beforeEach(async () => {
    client = await connectRedis(redis.url);
    served = await serve({ session: { backend: redisBackend({ client }), timeoutMs } });
  });

  afterEach(async () => {
    client.destroy();
    redis.resume();
    await redis.restart();
  });

  afterAll(() => redis.stop());

  test.each<[string, () => unknown]>([
    ["paused", () => redis.pause()],
    ["gone", () => redis.kill()],
  ])("%s, a handshake with a session is refused with 503 and emits an error event", async (_how, cause) => {
    const browser = await signIn(served);
    await cause();
    await expectUnavailable(browser.webSocket("/ws"));
    expect(served.opened).toEqual([]);
    expect(served.errors).toMatchObject([unavailable]);
  });

  test.each<[string, () => unknown]>([
    ["paused", () => redis.pause()],
    ["gone", () => redis.kill()],
  ])(
    "%s during the handshake, the failed second read refuses it, so nobody is accepted unchecked",
    async (_how, cause) => {
      served = await serve({
        session: { backend: redisBackend({ client }), timeoutMs },
        webSocket: { path: "/ws", authorize: () => Promise.resolve(cause()).then(() => true) },
      });
      await expectUnavailable((await signIn(served)).webSocket("/ws"));
      expect(served.opened).toEqual([]);
      expect(served.errors).toMatchObject([unavailable]);
    },
  );

  test("a handshake without a cookie does not wait for Redis", async () => {
    // Longer than these test browsers wait for the answer to a handshake.
    served = await serve({ session: { backend: redisBackend({ client }), timeoutMs: 60_000 } });
    redis.pause();
    await served.browser().webSocket("/ws");
    expect(served.errors).toEqual([]);
  });

  test("a handshake whose session key belongs to another program is refused with 503 and the reason", async () => {
    const browser = await signIn(served);
    const [key] = await client.keys("sess:*");
    await client.del(key as string);
    await client.lPush(key as string, "a list");
    await expectUnavailable(browser.webSocket("/ws"));
    expect(served.errors).toMatchObject([
      { code: "ERR_KEY_TAKEN", cause: { message: expect.stringContaining("WRONGTYPE") } },
    ]);
  });

  test("open connections stay and a save rejects, and all works again when Redis answers", async () => {
    served = await serve({
      session: { backend: redisBackend({ client }), timeoutMs },
      webSocket: { path: "/ws", revalidateMs: 100 },
    });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    redis.pause();
    await ask(ws, "set", { visits: 1 });
    expect(await ask(ws, "save")).toEqual({ error: unavailable.code });
    expect(await ask(ws, "save")).toEqual({ error: unavailable.code });
    redis.resume();
    await eventually(async () => expect(await ask(ws, "save")).toEqual({ name: "Ada", visits: 1 }));
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada", visits: 1 });
  });

  test("a failed revalidation is repeated: the connection of an ended session closes afterwards", async () => {
    served = await serve({
      session: { backend: redisBackend({ client }), timeoutMs },
      webSocket: { path: "/ws", revalidateMs: 100 },
    });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await redis.restart();
    await eventually(() => expect(ws.readyState).toBe(ws.CLOSED), { withinMs: 15_000 });
  });
});

describe("a store that emits disconnect", () => {
  test("has handshakes refused with 503 until it emits connect", async () => {
    const backend = memoryBackend();
    const served = await serve({ session: { backend } });
    const browser = await signIn(served);
    backend.sessions.expressStore.emit("disconnect");
    await expectUnavailable(browser.webSocket("/ws"));
    await expectUnavailable(served.browser().webSocket("/ws"));
    backend.sessions.expressStore.emit("connect");
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada" });
  });
});

describe("a store from npm", () => {
  test.each<[string, (callback: (error: Error) => void) => void]>([
    ["answers errors", (callback) => callback(new Error("disk full"))],
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["never answers", () => {}],
  ])("that %s has handshakes refused with 503", async (_how, get) => {
    const place = memorystorePlace();
    const served = await serve({ place, session: { timeoutMs } });
    const browser = await signIn(served);
    place.store.get = (_sid, callback) => get(callback as (error: Error) => void);
    await expectUnavailable(browser.webSocket("/ws"));
    expect(served.errors).toMatchObject([unavailable]);
  });
});
