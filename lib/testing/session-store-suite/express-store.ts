import assert from "node:assert/strict";
import type { SessionData } from "express-session";
import type { SessionStore } from "../../sessions/session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  called,
  contentsOf,
  endingsHeard,
  insert,
  readStored,
  sessionData,
  snapshot,
  snapshotOf,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** The app's calls of `req.sessionStore` and the calls of the stack work on the same sessions. */
export function expressStoreRules(rule: RuleDeclarer): void {
  rule("get of express-session's API returns a copy of what was written", async (store) => {
    await insert(store, "a", { list: [1] });
    const got = (await get(store, "a")) as SessionData;
    assert.deepEqual(contentsOf(snapshotOf(got)), { list: [1] });
    Object.assign(got, { list: "spoilt" });
    await assertStored(store, "a", { list: [1] });
  });

  rule(
    "get of express-session's API finds no session, without an error, if none is stored",
    async (store) => {
      assert.equal((await get(store, "a")) ?? undefined, undefined);
    },
  );

  rule("load of express-session's API returns a Session", async (store) => {
    await insert(store, "a", { n: 1 });
    const loaded = await called<SessionData>((done) => store.expressStore.load("a", done));
    assert.deepEqual((loaded as unknown as { n: number }).n, 1);
    assert.ok(loaded.cookie.expires instanceof Date);
  });

  rule("reads and overwrites a session that was set through express-session's API", async (store) => {
    await set(store, "a", sessionData({ n: 1 }));
    const base = await readStored(store, "a");
    await assertStored(store, "a", { n: 1 });
    assert.equal((await store.write("a", snapshot({ n: 2 }), base)).outcome, "written");
  });

  rule("finds a session changed that was set through express-session's API in between", async (store) => {
    const base = await insert(store, "a", { n: 1 });
    await set(store, "a", sessionData({ n: 2 }));
    const late = await store.write("a", snapshot({ n: 3 }), base);
    assert.ok(late.outcome === "changed", late.outcome);
    assert.deepEqual(contentsOf(late.current), { n: 2 });
  });

  rule("does not keep a session that was set with an expiry in the past", async (store) => {
    await insert(store, "a", { n: 1 });
    await set(store, "a", sessionData({ n: 2 }, -1_000));
    await assertGone(store, "a");
    assert.equal((await get(store, "a")) ?? undefined, undefined);
  });

  rule("reports a session without a cookie as unreadable, and does not change it", async (store) => {
    const noSession = { n: 1 } as unknown as SessionData;
    await set(store, "a", noSession);
    const unreadable = { name: "SessionStackError", code: "ERR_SESSION_UNREADABLE" };
    await assert.rejects(store.read("a"), unreadable);
    await assert.rejects(store.write("a", snapshot({}), undefined), unreadable);
    assert.deepEqual(await get(store, "a"), noSession);
  });

  rule("a touch does not change the contents, and does not bring a session back", async (store) => {
    const { expressStore } = store;
    const touch = expressStore.touch?.bind(expressStore);
    if (!touch) return;
    await insert(store, "a", { n: 1 }, 60_000);
    await called((done) => touch("a", sessionData({ n: 2 }, 90_000), done));
    await assertStored(store, "a", { n: 1 });
    await store.remove("a", "session_ended");
    await called((done) => touch("a", sessionData({ n: 2 }), done));
    await assertGone(store, "a");
  });

  rule("clear ends each session, and tells listeners its contents", async (store) => {
    const clear = store.expressStore.clear?.bind(store.expressStore);
    if (!clear) return;
    const sids = Array.from({ length: 250 }, (_, n) => `s${n}`);
    for (const [n, sid] of sids.entries()) await insert(store, sid, { n });
    const closed = announcements(store);
    const heard = endingsHeard(store);
    await called((done) => clear(done));
    const ended = sids.map((sid) => [sid, "session_ended"]);
    assert.deepEqual(closed.sort(), ended.sort());
    const held = heard.map(({ sid, data }) => [sid, (data as { n?: number } | undefined)?.n]);
    assert.deepEqual(held.sort(), sids.map((sid, n) => [sid, n]).sort());
    for (const sid of sids.slice(0, 3)) await assertGone(store, sid);
  });

  rule("lists, counts and clears all sessions, where the store can", async (store) => {
    const { expressStore } = store;
    const [all, length, clear] = [expressStore.all, expressStore.length, expressStore.clear];
    if (!all || !length || !clear) return;
    for (const n of [1, 2, 3]) await insert(store, `s${n}`, { n });
    const listed = await called<object>((done) => all.call(expressStore, done as never));
    const numbers = Object.values(listed).map(({ n }: { n: number }) => n);
    assert.deepEqual(numbers.sort(), [1, 2, 3]);
    assert.equal(await called<number>((done) => length.call(expressStore, done)), 3);
    await called((done) => clear.call(expressStore, done));
    for (const n of [1, 2, 3]) await assertGone(store, `s${n}`);
    assert.equal(await called<number>((done) => length.call(expressStore, done)), 0);
  });
}

function get(store: SessionStore, sid: string): Promise<SessionData | null | undefined> {
  return called((done) => store.expressStore.get(sid, done));
}

function set(store: SessionStore, sid: string, data: SessionData): Promise<void> {
  return called((done) => store.expressStore.set(sid, data, done));
}
