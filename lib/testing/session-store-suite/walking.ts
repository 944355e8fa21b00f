import assert from "node:assert/strict";
import type { SessionData } from "express-session";
import type { SessionStore } from "../../sessions/session-store.ts";
import { oddContents, oddIds } from "./contents.ts";
import {
  assertStored,
  called,
  contentsOf,
  insert,
  insertShort,
  readStored,
  sessionData,
  snapshotOf,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** More sessions than a store may fetch at a time. */
const many = 250;

/** `walk` yields every live session with its contents. It may yield one twice while other sessions come and go. */
export function walkingRules(rule: RuleDeclarer): void {
  rule("an empty store has nothing to walk", async (store) => {
    assert.deepEqual(await walked(store), []);
  });

  rule("walks each of many sessions once, with its contents and its cookie", async (store) => {
    const expected: [string, unknown][] = [];
    for (let n = 0; n < many; n++) {
      const { json } = await insert(store, sidOf(n), { n, nested: { list: [n] } }, n % 2 ? 60_000 : null);
      expected.push([sidOf(n), JSON.parse(json)]);
    }
    const found = (await walked(store)).map(([sid, data]) => [sid, JSON.parse(JSON.stringify(data))]);
    assert.deepEqual(found.sort(bySid), expected);
  });

  rule.deviable("walksAnyId", "walks sessions with any id", async (store) => {
    for (const sid of oddIds) await insert(store, sid, { sid });
    const found = await walked(store);
    assert.deepEqual(found.map(([sid]) => sid).sort(), [...oddIds].sort());
    for (const [sid, data] of found) assert.deepEqual(contentsOf(snapshotOf(data)), { sid });
  });

  for (const [what, contents] of Object.entries(oddContents)) {
    rule(`walk and read return the same for a session with ${what}`, async (store) => {
      await insert(store, "a", contents);
      const stored = await readStored(store, "a");
      assert.deepEqual(await walked(store), [["a", stored.data]]);
    });
  }

  rule("walks live sessions, not removed or expired ones", async (store) => {
    for (const sid of ["a", "removed", "b", "silently"]) await insert(store, sid, { sid });
    await insertShort(store, "short");
    await store.remove("removed", "session_ended");
    await store.remove("silently");
    const deadline = Date.now() + 5_000;
    // Does not read the session by its id: some stores drop an expired session only when it is read.
    while ((await store.expiries(["short"]))[0] !== undefined) {
      assert.ok(Date.now() < deadline, "the session did not expire");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(sids(await walked(store)), ["a", "b"]);
  });

  rule("skips an unreadable session, and does not change it", async (store) => {
    const noSession = { n: 1 } as unknown as SessionData;
    await insert(store, "a", {});
    await called((done) => store.expressStore.set("unreadable", noSession, done));
    await insert(store, "b", {});
    assert.deepEqual(sids(await walked(store)), ["a", "b"]);
    const unreadable = { code: "ERR_SESSION_UNREADABLE" };
    await assert.rejects(store.read("unreadable"), unreadable);
  });

  rule("a walk continues when sessions are removed during it", async (store) => {
    for (let n = 0; n < many; n++) await insert(store, sidOf(n), { n });
    const found: string[] = [];
    for await (const [sid] of store.walk()) {
      found.push(sid);
      // Every third session, whether it was walked already or not.
      if (found.length === 10) {
        for (let n = 0; n < many; n += 3) await store.remove(sidOf(n), "session_ended");
      }
    }
    const kept = Array.from({ length: many }, (_, n) => n).filter((n) => n % 3 !== 0);
    for (const n of kept) assert.ok(found.includes(sidOf(n)), `${sidOf(n)} was left out`);
    assert.deepEqual(sids(await walked(store)), kept.map(sidOf));
  });

  rule("a walk continues when the caller itself removes each session", async (store) => {
    for (let n = 0; n < many; n++) await insert(store, sidOf(n), { n });
    const found: string[] = [];
    for await (const [sid] of store.walk()) {
      found.push(sid);
      await store.remove(sid, "session_ended");
    }
    assert.equal(new Set(found).size, many);
    assert.deepEqual(await walked(store), []);
  });

  rule("walks all earlier sessions while sessions begin and change", async (store) => {
    for (let n = 0; n < many; n++) await insert(store, sidOf(n), { n });
    const found: string[] = [];
    for await (const [sid] of store.walk()) {
      found.push(sid);
      if (found.length > many / 10) continue;
      await insert(store, `new-${found.length}`, {});
      const stored = await readStored(store, sid);
      await store.write(sid, snapshotOf(Object.assign(stored.data, { changed: true })), stored);
    }
    const before = new Set(found.filter((sid) => !sid.startsWith("new-")));
    assert.deepEqual(
      [...before].sort(),
      Array.from({ length: many }, (_, n) => sidOf(n)),
    );
  });

  rule("the walk after one that was left early starts from the beginning", async (store) => {
    for (let n = 0; n < 10; n++) await insert(store, sidOf(n), { n });
    for await (const [sid] of store.walk()) {
      assert.ok(sid);
      break;
    }
    assert.equal((await walked(store)).length, 10);
  });

  rule("returns a separate copy to each walk", async (store) => {
    await insert(store, "a", { nested: { list: [1] } });
    for (const [, data] of await walked(store)) {
      (data as unknown as { nested: { list: number[] } }).nested.list.push(2);
      Object.assign(data.cookie, { path: "/spoilt" });
    }
    await assertStored(store, "a", { nested: { list: [1] } });
    assert.equal((await readStored(store, "a")).data.cookie.path, "/");
    for (const [, data] of await walked(store))
      assert.deepEqual(contentsOf(snapshotOf(data)), { nested: { list: [1] } });
  });

  rule("walks sessions that were set through express-session's API", async (store) => {
    await called((done) => store.expressStore.set("a", sessionData({ n: 1 }), done));
    await insert(store, "b", { n: 2 });
    assert.deepEqual(sids(await walked(store)), ["a", "b"]);
  });
}

async function walked(store: SessionStore): Promise<[sid: string, data: SessionData][]> {
  const found: [string, SessionData][] = [];
  for await (const entry of store.walk()) found.push(entry);
  return found;
}

function sids(found: readonly [sid: string, data: SessionData][]): string[] {
  return found.map(([sid]) => sid).sort();
}

function sidOf(n: number): string {
  return `s${String(n).padStart(4, "0")}`;
}

function bySid([a]: unknown[], [b]: unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}
