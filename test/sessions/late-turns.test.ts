import session, { type SessionData } from "express-session";
import { Bounds } from "../../lib/calls/bounds.ts";
import { AnySessionStore } from "../../lib/sessions/any-session-store.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { SessionFormat } from "../../lib/sessions/data/session-format.ts";
import { RecentSessions } from "../../lib/sessions/saving/recent-sessions.ts";
import { Save } from "../../lib/sessions/saving/save.ts";
import { SaveQueue } from "../../lib/sessions/saving/save-queue.ts";
import {
  assertGone,
  assertStored,
  insert,
  readStored,
  sessionData,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { eventually } from "../support/eventually.ts";

type Answer<T = void> = (error?: unknown, value?: T) => void;

const timeoutMs = 100;
const unavailable = { code: "ERR_STORE_UNAVAILABLE" };

/** A store that records its calls, and whose next calls can be held. */
class SlowStore extends session.MemoryStore {
  readonly asked: string[] = [];
  readonly #held = new Map<string, ((run: () => void) => void)[]>();

  /** Holds the next call of a method until the returned function is called. */
  holdNext(method: "get" | "set"): () => void {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held.set(method, [...(this.#held.get(method) ?? []), (run) => void released.then(run)]);
    return release;
  }

  #do(method: string, run: () => void): void {
    this.asked.push(method);
    const hold = this.#held.get(method)?.shift();
    if (hold) hold(run);
    else run();
  }

  override get(sid: string, callback: Answer<SessionData | null>): void {
    this.#do("get", () => super.get(sid, callback));
  }

  override set(sid: string, data: SessionData, callback?: Answer): void {
    this.#do("set", () => super.set(sid, data, callback));
  }

  override touch(sid: string, data: SessionData, callback?: Answer): void {
    this.#do("touch", () => super.touch(sid, data, callback as () => void));
  }
}

/** A step that was reported as failed before it began never happens, unless it ends a session. */
describe("A step on an arbitrary store that comes too late", () => {
  let express: SlowStore;
  let store: BoundedSessionStore;

  beforeEach(() => {
    express = new SlowStore();
    store = new BoundedSessionStore(AnySessionStore.over(express, timeoutMs), new Bounds(timeoutMs));
  });

  /** Lets a write wait in the queue for as long as a step may. */
  async function stall(): Promise<{ release: () => void; version: string }> {
    const base = await insert(store, "a", { n: 0 });
    const release = express.holdNext("set");
    void store.write("a", snapshot({ n: 1 }), base).catch(() => {});
    await eventually(() => expect(express.asked.filter((call) => call === "set")).toHaveLength(2));
    return { release, version: base.version };
  }

  async function settled(): Promise<void> {
    // Behind all that waits.
    await store.remove("other", "session_ended");
    await new Promise((resolve) => setTimeout(resolve, 3 * timeoutMs));
  }

  it("is not written if its caller was told of its failure while it waited", async () => {
    const { release } = await stall();
    await expect(store.write("a", snapshot({ n: 2 }), undefined)).rejects.toMatchObject(unavailable);
    const before = express.asked.length;
    release();
    await settled();
    expect(express.asked.slice(before).filter((call) => call !== "get")).toEqual([]);
    await assertStored(store, "a", { n: 1 });
  });

  it("is not touched either", async () => {
    const { release } = await stall();
    await expect(store.refresh("a", sessionData({}))).rejects.toMatchObject(unavailable);
    release();
    await settled();
    expect(express.asked).not.toContain("touch");
  });

  it("is not written after a read that took longer than its caller waited, so that no ended session comes back", async () => {
    const base = await insert(store, "a", { n: 0 });
    const release = express.holdNext("get");
    await expect(store.write("a", snapshot({ n: 1 }), base)).rejects.toMatchObject(unavailable);
    await store.remove("a", "session_ended");
    express.asked.length = 0;
    release();
    await settled();
    expect(express.asked).not.toContain("set");
    await assertGone(store, "a");
  });

  it("ends its session however late it is", async () => {
    const { release } = await stall();
    const endings: string[] = [];
    store.endings.onEnding(({ sid }) => endings.push(sid));
    // The contents are read first, for at most half of the time.
    express.holdNext("get");
    await expect(store.remove("a", "session_ended")).rejects.toMatchObject(unavailable);
    release();
    await eventually(async () => {
      await assertGone(store, "a");
      expect(endings).toContain("a");
    });
  });

  it("does not count as sent, while one that has begun does", async () => {
    const { release, version } = await stall();
    const parts = { recent: new RecentSessions(), format: new SessionFormat({}), userIdOf: () => undefined };
    const queue = new SaveQueue("a", { store: store as never, ...parts });
    const save = () => {
      const { json } = snapshot({ n: 0 });
      const base = { json, version, userId: undefined };
      return new Save({ base, sent: snapshot({ n: 2 }), userId: undefined, unsure: new Set() }, timeoutMs);
    };
    const waiting = save();
    queue.add(waiting);
    void queue.run(() => {});
    await expect(waiting.result).rejects.toMatchObject(unavailable);
    expect(waiting.wasSent).toBe(false);
    release();
    await eventually(async () => expect((await readStored(store, "a")).data).toMatchObject({ n: 1 }));
    express.holdNext("set");
    const sent = save();
    queue.add(sent);
    void queue.run(() => {});
    await expect(sent.result).rejects.toMatchObject(unavailable);
    expect(sent.wasSent).toBe(true);
  });
});
