import type { Backend, ConnectionStore } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connect, next, serve, takeFailures } from "./support.ts";

const beat = '{"event_type":"session.heartbeat"}';
const TICK_MS = 1_000;

describe("a custom connection store", () => {
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

  test("receives each call, a refresh in each tick with heartbeats, and a clear at the end", async () => {
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

  test("may lack clear, and may be made from the backend", async () => {
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

  test("that fails makes the app's own calls reject, and is reported otherwise", async () => {
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
