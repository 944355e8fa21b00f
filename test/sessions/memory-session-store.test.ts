import assert from "node:assert/strict";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { describeSessionStore } from "../../lib/testing/describe-session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  called,
  endingsHeard,
  insert,
  sessionData,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";

describeSessionStore("MemorySessionStore", { create: () => new MemorySessionStore() });

describe("MemorySessionStore", () => {
  let now: number;

  beforeEach(() => {
    now = Date.now();
  });

  function storeWithClock(options: { ttl?: number } = {}): MemorySessionStore {
    return new MemorySessionStore({ ...options, now: () => now });
  }

  it("ends a session at the very millisecond that its cookie says", async () => {
    const store = storeWithClock();
    const { data, json } = snapshot({ n: 1 }, 1_000);
    await store.write("a", { data, json }, undefined);
    now = (data.cookie.expires as Date).getTime() - 1;
    await assertStored(store, "a", { n: 1 });
    now++;
    await assertGone(store, "a");
  });

  it("ends a session without expiry after a day", async () => {
    const store = storeWithClock();
    await insert(store, "a", {}, null);
    expect(await store.expiries(["a"])).toEqual([now + 86_400_000]);
    now += 86_400_000 - 1;
    await assertStored(store, "a", {});
    now++;
    await assertGone(store, "a");
  });

  it("ends a session without expiry after ttl seconds from its last write or refresh", async () => {
    const store = storeWithClock({ ttl: 10 });
    const base = await insert(store, "a", { n: 1 }, null);
    now += 9_000;
    await store.write("a", snapshot({ n: 2 }, null), base);
    now += 9_000;
    expect(await store.refresh("a", sessionData({}, null))).toBe(true);
    now += 9_999;
    await assertStored(store, "a", { n: 2 });
    now += 1;
    await assertGone(store, "a");
  });

  it("does not list or count sessions that have expired", async () => {
    const store = storeWithClock();
    await insert(store, "short", {}, 1_000);
    await insert(store, "long", {}, 60_000);
    now = Date.now() + 2_000;
    expect(Object.keys(await called<object>((done) => store.all(done)))).toEqual(["long"]);
    expect(await called<number>((done) => store.length(done))).toBe(1);
  });

  it("does not walk expired sessions, even those that expire during the walk", async () => {
    const store = storeWithClock();
    for (const sid of ["short", "long 1", "middle", "long 2"])
      await insert(store, sid, {}, sid === "short" ? 1_000 : sid === "middle" ? 10_000 : 60_000);
    now = Date.now() + 2_000;
    const found: string[] = [];
    for await (const [sid] of store.walk()) {
      found.push(sid);
      if (sid === "long 1") now += 20_000;
    }
    expect(found).toEqual(["long 1", "long 2"]);
  });

  it("computes the life of a session by its own clock", async () => {
    const store = storeWithClock({ ttl: 10 });
    const data = sessionData({}, 60_000);
    now = (data.cookie.expires as Date).getTime() - 7_777;
    expect(store.lifeMs(data)).toBe(7_777);
    expect(store.lifeMs(JSON.parse(JSON.stringify(data)))).toBe(7_777);
    expect(store.lifeMs(sessionData({}, null))).toBe(10_000);
    now += 7_777;
    expect(store.lifeMs(data)).toBe(0);
  });

  it("announces no contents of a session that had expired before it was removed", async () => {
    const store = storeWithClock();
    await insert(store, "a", { n: 1 }, 1_000);
    now = Date.now() + 2_000;
    const heard = endingsHeard(store);
    await store.remove("a", "session_ended");
    expect(heard).toEqual([{ sid: "a", reason: "session_ended", data: undefined }]);
  });

  it("inserts a new session under an id that has expired", async () => {
    const store = storeWithClock();
    await insert(store, "a", { n: 1 }, 1_000);
    now = Date.now() + 2_000;
    const result = await store.write("a", snapshot({ n: 2 }, 60_000), undefined);
    assert.equal(result.outcome, "written");
  });

  it("finds all live sessions after many have expired and been swept", async () => {
    const store = storeWithClock();
    for (let n = 0; n < 1_000; n++) await insert(store, `s${n}`, { n }, n % 2 ? 60_000 : 1_000);
    now = Date.now() + 2_000;
    for (let n = 1_000; n < 2_000; n++) await insert(store, `s${n}`, { n }, 60_000);
    for (let n = 0; n < 2_000; n++) {
      if (n >= 1_000 || n % 2) await assertStored(store, `s${n}`, { n });
      else await assertGone(store, `s${n}`);
    }
  });

  it("announces every session at clear", async () => {
    const store = new MemorySessionStore();
    await insert(store, "a", {});
    await insert(store, "b", {});
    const heard = announcements(store);
    await called((done) => store.clear(done));
    expect(heard).toEqual([
      ["a", "session_ended"],
      ["b", "session_ended"],
    ]);
  });

  it("announces a session that is set with an expiry in the past", async () => {
    const store = new MemorySessionStore();
    await insert(store, "a", {});
    const closed = announcements(store);
    const heard = endingsHeard(store);
    await called((done) => store.set("a", sessionData({}, -1_000), done));
    expect(closed).toEqual([["a", "session_ended"]]);
    expect(heard).toMatchObject([{ sid: "a", reason: "session_ended" }]);
  });
});
