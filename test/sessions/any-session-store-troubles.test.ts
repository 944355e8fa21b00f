import { RedisStore } from "connect-redis";
import session, { type SessionData, type Store } from "express-session";
import { AnySessionStore } from "../../lib/sessions/any-session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  baseOf,
  called,
  contentsOf,
  insert,
  readStored,
  sessionData,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { within } from "../support/within.ts";

type Answer<T = void> = (error?: unknown, value?: T) => void;

/** A store that keeps the given objects, returns the same objects, and calls back at once. */
class ReferenceStore extends session.Store {
  readonly sessions = new Map<string, SessionData>();

  get(sid: string, callback: Answer<SessionData | null>): void {
    callback(null, this.sessions.get(sid) ?? null);
  }

  set(sid: string, data: SessionData, callback?: Answer): void {
    this.sessions.set(sid, data);
    callback?.(null);
  }

  destroy(sid: string, callback?: Answer): void {
    this.sessions.delete(sid);
    callback?.(null);
  }

  override touch(sid: string, data: SessionData, callback?: Answer): void {
    const current = this.sessions.get(sid);
    if (current) current.cookie = data.cookie;
    callback?.(null);
  }
}

/** A store that answers each call only when the test says so. */
class SlowStore extends session.MemoryStore {
  readonly waiting: (() => void)[] = [];
  #isHeld = false;

  holdFromNowOn(): void {
    this.#isHeld = true;
  }

  answerFromNowOn(): void {
    this.#isHeld = false;
    for (const go of this.waiting.splice(0)) go();
  }

  override get(sid: string, callback: Answer<SessionData | null>): void {
    this.#later(() => super.get(sid, callback));
  }

  override set(sid: string, data: SessionData, callback?: Answer): void {
    this.#later(() => super.set(sid, data, callback));
  }

  #later(go: () => void): void {
    if (this.#isHeld) this.waiting.push(go);
    else go();
  }
}

/** Behaviour of existing stores that the contract does not mention. */
describe("AnySessionStore", () => {
  it("has one instance for each store, however many middlewares use it", async () => {
    const store = new session.MemoryStore();
    const adapter = AnySessionStore.over(store, 1_000);
    expect(AnySessionStore.over(store, 2_000)).toBe(adapter);
    expect(AnySessionStore.over(new session.MemoryStore(), 1_000)).not.toBe(adapter);
    const heard = announcements(adapter);
    await called((done) => store.destroy("a", done));
    expect(heard).toEqual([["a", "session_ended"]]);
  });

  it("does not block a session for ever when a call of the store hangs", async () => {
    const store = new SlowStore();
    const adapter = AnySessionStore.over(store, 50);
    await insert(adapter, "a", { n: 1 });
    store.holdFromNowOn();
    void adapter.write("a", snapshot({ n: 2 }), baseOf(snapshot({ n: 1 }))).catch(() => {});
    await adapter.remove("b", "session_ended");
    await within(adapter.remove("a", "session_ended"), 10_000, "removal behind a call that hangs");
    store.answerFromNowOn();
    await assertGone(adapter, "a");
  });

  it("never overlaps writes of one session, even when they wait longer for each other than timeoutMs", async () => {
    const memory = new session.MemoryStore();
    let [underWay, mostUnderWay] = [0, 0];
    // Each call is answered well within the time, but many of them in turn are not.
    class SteadyStore extends session.Store {
      get(sid: string, callback: Answer<SessionData | null>): void {
        mostUnderWay = Math.max(mostUnderWay, ++underWay);
        setTimeout(() => {
          underWay--;
          memory.get(sid, callback);
        }, 10);
      }
      set(sid: string, data: SessionData, callback?: Answer): void {
        memory.set(sid, data, callback);
      }
      destroy(sid: string, callback?: Answer): void {
        memory.destroy(sid, callback);
      }
    }
    const adapter = AnySessionStore.over(new SteadyStore(), 100);
    const base = await insert(adapter, "a", { n: 0 });
    const writes = Array.from({ length: 30 }, (_, n) => adapter.write("a", snapshot({ n: n + 1 }), base));
    const settled = await Promise.allSettled(writes);
    const outcomes = settled.map((result) =>
      result.status === "fulfilled" ? result.value.outcome : "rejected",
    );
    expect(outcomes.filter((outcome) => outcome === "written")).toHaveLength(1);
    expect(mostUnderWay).toBe(1);
  });

  it("does not wait for itself when the store ends a session that it was asked for", async () => {
    /** As MemoryStore once did and its copies still do: `get` destroys expired sessions. */
    class StrictStore extends session.MemoryStore {
      override get(sid: string, callback: Answer<SessionData | null>): void {
        super.get(sid, (error, data) => {
          if (data && "over" in data) this.destroy(sid, callback);
          else callback(error, data ?? null);
        });
      }
    }
    // If it waited for itself, the answer would come only after its timeout.
    const adapter = AnySessionStore.over(new StrictStore(), 60_000);
    const base = await insert(adapter, "a", { over: true });
    const heard = announcements(adapter);
    const writing = within(adapter.write("a", snapshot({ n: 1 }), base), 5_000, "answer to the write");
    expect(await writing).toEqual({ outcome: "deleted" });
    expect(heard).toEqual([["a", "session_ended"]]);
  });

  it("ends a session that is written with an expiry in the past to connect-redis as an arbitrary store", async () => {
    const client = await connectRedis();
    try {
      const plain: Store = new RedisStore({ client, prefix: uniquePrefix("any") });
      const adapter = AnySessionStore.over(plain, 60_000);
      const base = await insert(adapter, "a", { n: 1 });
      const heard = announcements(adapter);
      const writing = adapter.write("a", snapshot({ n: 2 }, -1_000), base);
      expect(await within(writing, 5_000, "answer to the write")).toEqual({ outcome: "expired" });
      expect(heard).toEqual([["a", "session_ended"]]);
      await assertGone(adapter, "a");
    } finally {
      client.destroy();
    }
  });

  describe("over a store that keeps references and calls back at once", () => {
    it("returns and stores only copies", async () => {
      const store = new ReferenceStore();
      const adapter = AnySessionStore.over(store, 1_000);
      const data = sessionData({ list: [1] });
      await adapter.write("a", { data, json: JSON.stringify(data) }, undefined);
      Object.assign(data, { list: "spoilt" });
      const stored = await readStored(adapter, "a");
      expect(contentsOf(stored)).toEqual({ list: [1] });
      Object.assign(stored.data, { list: "spoilt" });
      Object.assign(stored.data.cookie, { path: "/spoilt" });
      expect((await readStored(adapter, "a")).data.cookie.path).toBe("/");
      await assertStored(adapter, "a", { list: [1] });
    });

    it("does not store at a refresh the cookie object that the app goes on changing", async () => {
      const adapter = AnySessionStore.over(new ReferenceStore(), 1_000);
      await insert(adapter, "a", {});
      const data = sessionData({}, 90_000);
      await adapter.refresh("a", data);
      const { version } = await readStored(adapter, "a");
      Object.assign(data.cookie, { path: "/unsaved" });
      expect((await readStored(adapter, "a")).version).toBe(version);
    });

    it("gives the store a Cookie, as express-session does", async () => {
      const store = new ReferenceStore();
      const adapter = AnySessionStore.over(store, 1_000);
      await insert(adapter, "a", {}, 60_000);
      const cookie = store.sessions.get("a")?.cookie;
      expect(cookie).toBeInstanceOf(session.Cookie);
      expect(cookie?.expires).toBeInstanceOf(Date);
      expect(cookie?.maxAge).toBeGreaterThan(50_000);
    });
  });

  it("returns from a write the version that the next read finds, whatever the order of the cookie's attributes", async () => {
    const adapter = AnySessionStore.over(new session.MemoryStore(), 1_000);
    const cookie = { path: "/", httpOnly: true, secure: false, expires: null, originalMaxAge: null };
    const data = sessionData({ n: 1 }, null);
    const result = await adapter.write("a", { data, json: JSON.stringify({ n: 1, cookie }) }, undefined);
    expect(result).toEqual({ outcome: "written", version: (await readStored(adapter, "a")).version });
  });
});
