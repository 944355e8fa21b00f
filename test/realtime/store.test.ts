import type { Backend, ConnectionStore, StoredValue } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connect, gate, next, open, places, redisPlace, serve, signIn, takeFailures } from "./support.ts";

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
  ])("gives %s back as it was set, until it is deleted", async (_what, value) => {
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

  test("takes keys of any characters, each its own", async () => {
    const { line } = await connect(await serve({ backend: await openPlace() }), "ada");
    await Promise.all(keys.map((key, at) => line.store.set(key, { at })));
    for (const [at, key] of keys.entries()) expect(await line.store.get(key)).toEqual({ at });
    await line.store.delete("a");
    expect(await line.store.get("a:b")).toEqual({ at: 3 });
  });

  test("hands out copies: what is changed in them, or in what was set, is not changed in it", async () => {
    const { line } = await connect(await serve({ backend: await openPlace() }), "ada");
    const list = ["a"];
    await line.store.set("list", list);
    list.push("b");
    const got = (await line.store.get("list")) as string[];
    got.push("c");
    expect(await line.store.get("list")).toEqual(["a"]);
  });

  test("is each connection's own, also of one user, one session, and of nobody", async () => {
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

  // Once no number of seconds was too many for Redis.
  test.each([0.1, 1e15, Number.POSITIVE_INFINITY])(
    "works with a threshold of %d seconds",
    async (inactivityThresholdSeconds) => {
      const served = await serve({
        backend: await openPlace(),
        realtime: { inactivityThresholdSeconds, clock: new FakeClock() },
      });
      const { line } = await connect(served, "ada");
      const setAndGet = () => line.store.set("key", "text").then(() => line.store.get("key"));
      // Not at once, if this process stood still in between until it was over.
      await eventually(async () => expect(await setAndGet()).toBe("text"));
    },
  );

  test("is gone once the connection is", async () => {
    const served = await serve({ backend: await openPlace() });
    const { ws, line } = await connect(served, "ada");
    const other = await connect(served, "ada");
    for (const { store } of [line, other.line]) await store.set("key", "text");
    ws.close();
    await eventually(async () => expect(await line.store.get("key")).toBeUndefined());
    expect(await other.line.store.get("key")).toBe("text");
  });

  // Once it was left until its time to live was over.
  test("keeps nothing that a handler sets when the connection has gone", async () => {
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
  test("nothing is left of connections that have closed", async () => {
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

  test("data lives on by heartbeats and messages, and for twice the threshold without", async () => {
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
    // And not by the tick alone.
    await place.client.expire(key, 5);
    await clock.advance(5 * TICK_MS);
    await served.chat.activeSessions("ada");
    expect(await place.client.ttl(key)).toBeLessThanOrEqual(5);
  });
});

describe("a connection store of one's own", () => {
  function recording(calls: string[]): ConnectionStore {
    const note = (name: string, userId: string | undefined, ...args: unknown[]) =>
      calls.push([name, userId ?? "nobody", ...args.map(String)].join(" "));
    return {
      get: async ({ userId }, key) => {
        note("get", userId, key);
        return "value";
      },
      set: async ({ userId }, key, value) => void note("set", userId, key, value),
      delete: async ({ userId }, key) => void note("delete", userId, key),
      refresh: async ({ userId }) => void note("refresh", userId),
      clear: async ({ userId }) => void note("clear", userId),
    };
  }

  test("is asked for everything, refreshed once a tick with heartbeats, and told of the end", async () => {
    const calls: string[] = [];
    const clock = new FakeClock();
    const served = await serve({
      realtime: { connectionStore: recording(calls), clock, pingIntervalMs: 0 },
    });
    const { ws, line } = await connect(served, "ada");
    const anonymous = await connect(served);
    await clock.advance(TICK_MS);
    calls.splice(0);
    await line.store.set("a", "b");
    expect(await line.store.get("a")).toBe("value");
    await line.store.delete("a");
    await anonymous.line.store.set("c", "d");
    expect(calls.splice(0)).toEqual(["set ada a b", "get ada a", "delete ada a", "set nobody c d"]);
    for (let at = 0; at < 3; at++) {
      ws.send(beat);
      await next(ws);
    }
    await clock.advance(TICK_MS);
    await clock.advance(TICK_MS);
    expect(calls.splice(0)).toEqual(["refresh ada"]);
    ws.close();
    await eventually(() => expect(calls).toEqual(["clear ada"]));
  });

  test("may have no clear, and may be made of the backend", async () => {
    const calls: string[] = [];
    let given: Backend | undefined;
    const { clear: _, ...store } = recording(calls);
    const served = await serve({
      realtime: {
        connectionStore: (backend) => {
          given = backend;
          return store;
        },
      },
    });
    expect(given?.registry).toBeDefined();
    const { ws, line } = await connect(served, "ada");
    await line.store.set("a", "b");
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    expect(calls).toEqual(["set ada a b"]);
  });

  test("that fails rejects where it is asked, and is told of where it is not", async () => {
    const clock = new FakeClock();
    const down = () => Promise.reject(new Error("down"));
    const store = { get: down, set: down, delete: down, refresh: down, clear: down };
    const served = await serve({ realtime: { connectionStore: store, clock, pingIntervalMs: 0 } });
    const { ws, line } = await connect(served, "ada");
    const unavailable = { code: "ERR_STORE_UNAVAILABLE", cause: new Error("down") };
    await expect(line.store.get("a")).rejects.toMatchObject(unavailable);
    await expect(line.store.set("a", "b")).rejects.toMatchObject(unavailable);
    await expect(line.store.delete("a")).rejects.toMatchObject(unavailable);
    ws.send(beat);
    await next(ws);
    await clock.advance(TICK_MS);
    await eventually(() => expect(takeFailures(served)).toHaveLength(1));
    ws.close();
    await eventually(() => expect(takeFailures(served)).toHaveLength(1));
    expect(served.closings).toHaveLength(1);
  });
});
