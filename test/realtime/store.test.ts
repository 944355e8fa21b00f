import type { StoredValue } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connect, gate, next, open, places, redisPlace, serve, signIn } from "./support.ts";

const beat = '{"event_type":"session.heartbeat"}';
const TICK_MS = 1_000;

const keys = [
  "a",
  "",
  " ",
  "a:b",
  "*",
  "{x}",
  "\n",
  "\u0000",
  "ü🙂",
  "__proto__",
  "constructor",
  "k".repeat(1e4),
];

describe.each(places)("connection.store on $place", ({ open: openPlace }) => {
  test.each<[string, StoredValue]>([
    ["a text", "text with ü, 🙂 and \u0000"],
    ["an empty text", ""],
    ["a text that looks like JSON", '{"a":1}'],
    ["an object", { a: [1, null, { b: true }], "": "empty" }],
    ["an empty object", {}],
    ["a list", [1, "two", { three: 3 }, []]],
    ["an empty list", []],
    ["something large", { text: "x".repeat(500_000) }],
  ])("returns %s as it was set, until it is deleted", async (_what, value) => {
    const { line } = await connect(await serve({ backend: await openPlace() }), "ada");
    expect(await line.store.get("key")).toBeUndefined();
    await line.store.set("key", value);
    expect(await line.store.get("key")).toEqual(value);
    await line.store.set("key", "other");
    expect(await line.store.get("key")).toBe("other");
    await line.store.delete("key");
    expect(await line.store.get("key")).toBeUndefined();
    await line.store.delete("key");
  });

  test("accepts keys with any characters, and tells them apart", async () => {
    const { line } = await connect(await serve({ backend: await openPlace() }), "ada");
    await Promise.all(keys.map((key, at) => line.store.set(key, { at })));
    for (const [at, key] of keys.entries()) expect(await line.store.get(key)).toEqual({ at });
    await line.store.delete("a");
    expect(await line.store.get("a:b")).toEqual({ at: 3 });
  });

  test("stores and returns copies: later changes of a value do not affect the stored one", async () => {
    const { line } = await connect(await serve({ backend: await openPlace() }), "ada");
    const list = ["a"];
    await line.store.set("list", list);
    list.push("b");
    const got = (await line.store.get("list")) as string[];
    got.push("c");
    expect(await line.store.get("list")).toEqual(["a"]);
  });

  test("belongs to one connection, also within one user, one session and without a user", async () => {
    const served = await serve({ backend: await openPlace() });
    const browser = await signIn(served, "ada");
    const lines = [
      (await open(served, browser)).line,
      (await open(served, browser)).line,
      (await connect(served)).line,
      (await connect(served)).line,
    ];
    await Promise.all(lines.map((line, at) => line.store.set("key", { at })));
    for (const [at, line] of lines.entries()) expect(await line.store.get("key")).toEqual({ at });
  });

  // Once, Redis refused a number of seconds that was too large.
  test.each([0.1, 1e15, Number.POSITIVE_INFINITY])(
    "works with a threshold of %d seconds",
    async (inactivityThresholdSeconds) => {
      const served = await serve({
        backend: await openPlace(),
        realtime: { inactivityThresholdSeconds, clock: new FakeClock() },
      });
      const { line } = await connect(served, "ada");
      const setAndGet = () => line.store.set("key", "text").then(() => line.store.get("key"));
      // Waits, because the data may expire later if this process stood still in between.
      await eventually(async () => expect(await setAndGet()).toBe("text"));
    },
  );

  test("is gone when the connection is gone", async () => {
    const served = await serve({ backend: await openPlace() });
    const { ws, line } = await connect(served, "ada");
    const other = await connect(served, "ada");
    for (const { store } of [line, other.line]) await store.set("key", "text");
    ws.close();
    await eventually(async () => expect(await line.store.get("key")).toBeUndefined());
    expect(await other.line.store.get("key")).toBe("text");
  });

  // Once, the data stayed until it expired.
  test("keeps no data that a handler sets after the connection is gone", async () => {
    const { opened, open: letGo } = gate();
    let isDone = false;
    const served = await serve({
      backend: await openPlace(),
      setUp: (chat) =>
        chat.on("slow", async (connection) => {
          await opened;
          await connection.store.set("key", "text");
          isDone = true;
        }),
    });
    const { ws, line } = await connect(served, "ada");
    ws.send('{"event_type":"slow"}');
    ws.send(beat);
    await next(ws);
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    letGo();
    await eventually(() => expect(isDone).toBe(true));
    expect(await line.store.get("key")).toBeUndefined();
  });
});

describe("in Redis", () => {
  test("nothing is left of closed connections", async () => {
    const place = await redisPlace();
    const served = await serve({ backend: place.backend, realtime: { graceMs: 0 } });
    const { ws, line } = await connect(served, "ada");
    const anonymous = await connect(served);
    for (const { store } of [line, anonymous.line]) for (const key of keys) await store.set(key, [key]);
    const dataKeys = async () => (await place.keys()).filter((key) => key.endsWith(":data"));
    expect(await dataKeys()).toHaveLength(2);
    ws.terminate();
    anonymous.ws.close();
    await eventually(async () => expect(await dataKeys()).toEqual([]));
    await eventually(async () =>
      expect(
        (await place.keys()).filter(
          (key) => !/^(sess:|session-stack:user:ada:sessions|session-stack:nodes)/.test(key),
        ),
      ).toEqual([]),
    );
  });

  test("heartbeats and messages keep data alive, and without them it lives for twice the threshold", async () => {
    const clock = new FakeClock();
    const place = await redisPlace();
    const served = await serve({
      backend: place.backend,
      realtime: { clock, pingIntervalMs: 0, inactivityThresholdSeconds: 30 },
    });
    const { ws, line } = await connect(served, "ada");
    await line.store.set("key", "text");
    const key = `${place.prefix}session-stack:connection:${line.id}:data`;
    expect(await place.client.ttl(key)).toBeGreaterThan(55);
    for (const message of [beat, '{"event_type":"nothing"}', "{"]) {
      await place.client.expire(key, 5);
      ws.send(message);
      await next(ws);
      await clock.advance(TICK_MS);
      await eventually(async () => expect(await place.client.ttl(key)).toBeGreaterThan(55));
    }
    // The tick alone does not keep it alive.
    await place.client.expire(key, 5);
    await clock.advance(5 * TICK_MS);
    await served.chat.activeSessions("ada");
    expect(await place.client.ttl(key)).toBeLessThanOrEqual(5);
  });
});
