import type { SessionData } from "express-session";
import { Bounds } from "../../lib/calls/bounds.ts";
import { sessionDeleted } from "../../lib/errors.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { SessionCookie } from "../../lib/sessions/data/session-cookie.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import type { StoredSession } from "../../lib/sessions/session-store.ts";
import { describeSessionStore } from "../../lib/testing/describe-session-store.ts";
import { insert, sessionData, snapshot } from "../../lib/testing/session-store-suite/sessions.ts";
import { eventually } from "../support/eventually.ts";
import { within } from "../support/within.ts";
import { HeldSessionStore } from "./held-session-store.ts";

const timeoutMs = 50;
const unavailable = { name: "SessionStackError", code: "ERR_STORE_UNAVAILABLE", status: 503 };

describeSessionStore("BoundedSessionStore", {
  create: () => new BoundedSessionStore(new MemorySessionStore(), new Bounds(2_000)),
});

/** Takes every read, and answers none of them until it is told to. */
class SilentStore extends MemorySessionStore {
  readonly waiting: { answer(stored?: StoredSession): void; fail(error: Error): void }[] = [];

  override read(): Promise<StoredSession | undefined> {
    return new Promise((answer, fail) => this.waiting.push({ answer, fail }));
  }
}

class ThrowingStore extends MemorySessionStore {
  readonly error: unknown;

  constructor(error: unknown) {
    super();
    this.error = error;
  }

  override read(): never {
    throw this.error;
  }

  override async refresh(): Promise<never> {
    throw this.error;
  }
}

describe("BoundedSessionStore", () => {
  const calls: [string, (store: BoundedSessionStore) => Promise<unknown>][] = [
    ["read", (store) => store.read("a")],
    ["write", (store) => store.write("a", snapshot({}), undefined)],
    ["refresh", (store) => store.refresh("a", sessionData({}))],
    ["remove", (store) => store.remove("a", "session_ended")],
  ];

  it.each(calls)("ends a %s that is never answered", async (name, call) => {
    const held = new HeldSessionStore(new MemorySessionStore());
    held.hold(name as "read", "request");
    const store = new BoundedSessionStore(held, new Bounds(timeoutMs));
    const error: unknown = await within(call(store), 10_000, "end of the call").catch((reason) => reason);
    expect(error).toMatchObject({ ...unavailable, headers: { "Retry-After": "1" } });
    expect((error as Error).message).toContain(`${timeoutMs} ms`);
  });

  it("ends a call for expiries that is never answered", async () => {
    class Silent extends MemorySessionStore {
      override expiries(): Promise<never> {
        return new Promise(() => {});
      }
    }
    const store = new BoundedSessionStore(new Silent(), new Bounds(timeoutMs));
    await expect(within(store.expiries(["a"]), 10_000, "end of the call")).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining(`${timeoutMs} ms`),
    });
  });

  it("keeps what a store throws or rejects with as the cause", async () => {
    for (const cause of [
      new Error("ECONNREFUSED"),
      new TypeError("x is not a function"),
      "a text",
      undefined,
    ]) {
      const store = new BoundedSessionStore(new ThrowingStore(cause), new Bounds(timeoutMs));
      await expect(store.read("a")).rejects.toMatchObject({ ...unavailable, cause });
      await expect(store.refresh("a", {} as SessionData)).rejects.toMatchObject({ ...unavailable, cause });
    }
  });

  it("passes on errors of the stack as they are", async () => {
    const error = sessionDeleted();
    const store = new BoundedSessionStore(new ThrowingStore(error), new Bounds(timeoutMs));
    await expect(store.read("a")).rejects.toBe(error);
    await expect(store.refresh("a", {} as SessionData)).rejects.toBe(error);
  });

  it("quietly drops late answers and failures", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const silent = new SilentStore();
      const store = new BoundedSessionStore(silent, new Bounds(timeoutMs));
      const reads = await Promise.allSettled([store.read("a"), store.read("b")]);
      expect(reads.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      silent.waiting[0]?.answer();
      silent.waiting[1]?.fail(new Error("late"));
      // Node tells of unhandled rejections once the microtasks are done.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listener);
    }
  });

  it("reports the result of each call once, even of one that is answered too late", async () => {
    const told: string[] = [];
    const silent = new SilentStore();
    const bounds = new Bounds(timeoutMs);
    bounds.onCall((result) => told.push(result));
    const store = new BoundedSessionStore(silent, bounds);
    await expect(store.read("a")).rejects.toMatchObject(unavailable);
    silent.waiting[0]?.answer();
    const second = store.read("b");
    silent.waiting[1]?.answer();
    await second;
    expect(told).toEqual(["timed_out", "answered"]);
  });

  it("refuses at once when 10,000 calls wait for an answer, and asks again once they were answered", async () => {
    const silent = new SilentStore();
    // Longer than this test runs, so no call is refused because of its time.
    const store = new BoundedSessionStore(silent, new Bounds(60_000));
    const waiting = Array.from({ length: 10_000 }, (_, n) => store.read(`s${n}`));
    await expect(within(store.read("one more"), 1_000, "refusal")).rejects.toMatchObject(unavailable);
    await expect(within(store.remove("a", "session_ended"), 1_000, "refusal")).rejects.toMatchObject(
      unavailable,
    );
    expect(silent.waiting).toHaveLength(10_000);
    for (const { answer } of silent.waiting) answer();
    await Promise.all(waiting);
    await insert(store, "a", {});
    await store.remove("a", "session_ended");
  });

  it("counts calls that nobody waits for any more as waiting until they are answered", async () => {
    const silent = new SilentStore();
    const store = new BoundedSessionStore(silent, new Bounds(timeoutMs));
    const waiting = Array.from({ length: 10_000 }, (_, n) => store.read(`s${n}`));
    await Promise.allSettled(waiting);
    await expect(store.remove("a", "session_ended")).rejects.toMatchObject(unavailable);
    for (const { fail } of silent.waiting) fail(new Error("late"));
    await eventually(() => store.remove("a", "session_ended"));
  });

  it("counts the calls of all that share its bounds", async () => {
    const silent = new SilentStore();
    const bounds = new Bounds(60_000);
    const store = new BoundedSessionStore(silent, bounds);
    const other = new BoundedSessionStore(new MemorySessionStore(), bounds);
    const waiting = Array.from({ length: 10_000 }, (_, n) => store.read(`s${n}`));
    await expect(within(other.read("a"), 1_000, "refusal")).rejects.toMatchObject(unavailable);
    for (const { answer } of silent.waiting) answer();
    await Promise.all(waiting);
    expect(await other.read("a")).toBeUndefined();
  });

  it("computes lives of sessions and walks them even while 10,000 calls wait for an answer", async () => {
    const silent = new SilentStore();
    await insert(silent, "a", { n: 1 });
    const store = new BoundedSessionStore(silent, new Bounds(60_000));
    const waiting = Array.from({ length: 10_000 }, (_, n) => store.read(`s${n}`));
    // A life that the store counts from now.
    const [life, own] = [store, silent].map((each) => each.lifeMs(sessionData({}, null)));
    expect(Math.abs((life as number) - (own as number))).toBeLessThan(60_000);
    const found: string[] = [];
    for await (const [sid] of store.walk()) found.push(sid);
    expect(found).toEqual(["a"]);
    for (const { answer } of silent.waiting) answer();
    await Promise.all(waiting);
  });

  it("is its store's express-session store and endings", () => {
    const memory = new MemorySessionStore();
    const store = new BoundedSessionStore(memory, new Bounds(timeoutMs));
    expect(store.expressStore).toBe(memory);
    expect(store.endings).toBe(memory.endings);
  });
});

/** A foreign store that accepts anything and answers anything. */
class CarelessStore extends MemorySessionStore {
  life: unknown = 60_000;
  expiry: unknown = Date.now();
  override readonly refresh = jest.fn(async () => true);

  override lifeMs(): number {
    return this.life as number;
  }

  override async expiries(): Promise<number[]> {
    return [this.expiry as number];
  }
}

describe("the door", () => {
  it.each([Number.NaN, undefined, "60"])("lets no session with a life of %p out", async (life) => {
    const careless = new CarelessStore();
    const store = new BoundedSessionStore(careless, new Bounds(2_000));
    const base = await insert(store, "a", { n: 1 });
    careless.life = life;
    await expect(store.write("a", snapshot({ n: 2 }), base)).rejects.toThrow(TypeError);
    await expect(store.refresh("a", sessionData({}))).rejects.toThrow(TypeError);
    expect(() => store.lifeMs(sessionData({}))).toThrow(TypeError);
    expect(careless.refresh).not.toHaveBeenCalled();
    expect((await store.read("a"))?.version).toBe(base.version);
  });

  it("treats an expiry that is no number as one that the store cannot tell", async () => {
    const careless = new CarelessStore();
    careless.expiry = Number.NaN;
    const store = new BoundedSessionStore(careless, new Bounds(2_000));
    expect(await store.expiries(["a"])).toEqual([Number.POSITIVE_INFINITY]);
  });

  it("makes a Cookie of each cookie that is read, walked, or found by a write", async () => {
    const store = new BoundedSessionStore(new MemorySessionStore(), new Bounds(2_000));
    await insert(store, "a", { n: 1 });
    const found = [(await store.read("a"))?.data.cookie];
    for await (const [, data] of store.walk()) found.push(data.cookie);
    const late = await store.write("a", snapshot({ n: 2 }), undefined);
    if (late.outcome === "changed") found.push(late.current.data.cookie);
    expect(found).toHaveLength(3);
    for (const cookie of found) {
      expect(cookie).toBeInstanceOf(SessionCookie);
      expect(cookie?.expires).toBeInstanceOf(Date);
    }
  });
});
