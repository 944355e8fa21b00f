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

/** More than a store may fetch at a time. */
const many = 250;

/** `walk` gives every session that lives, with what it holds, and nothing else. It may give one twice while others come and go. */
export function walkingRules(rule: RuleDeclarer): void {
  rule("walks no session where there is none", async (store) => {
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
    rule(`walks a session with ${what} as it is read`, async (store) => {
      await insert(store, "a", contents);
      const stored = await readStored(store, "a");
      assert.deepEqual(await walked(store), [["a", stored.data]]);
    });
  }

  rule("walks what lives, not what was removed or has expired", async (store) => {
    for (const sid of ["a", "removed", "b", "silently"]) await insert(store, sid, { sid });
    await insertShort(store, "short");
    await store.remove("removed", "session_ended");
    await store.remove("silently");
    const deadline = Date.now() + 5_000;
    // Not asked for by its id: a store that forgets what is over when it reads it must not be helped.
    while ((await store.expiries(["short"]))[0] !== undefined) {
      assert.ok(Date.now() < deadline, "the session did not expire");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(sids(await walked(store)), ["a", "b"]);
  });

  rule("skips what cannot be read, and leaves it as it is", async (store) => {
    const noSession = { n: 1 } as unknown as SessionData;
    await insert(store, "a", {});
    await called((done) => store.expressStore.set("unreadable", noSession, done));
    await insert(store, "b", {});
    assert.deepEqual(sids(await walked(store)), ["a", "b"]);
    const unreadable = { code: "ERR_SESSION_UNREADABLE" };
    await assert.rejects(store.read("unreadable"), unreadable);
  });

  rule("goes on when sessions are removed during the walk", async (store) => {
    for (let n = 0; n < many; n++) await insert(store, sidOf(n), { n });
    const found: string[] = [];
    for await (const [sid] of store.walk()) {
      found.push(sid);
      // Those that are walked already and those that are not, one of each three.
      if (found.length === 10) {
        for (let n = 0; n < many; n += 3) await store.remove(sidOf(n), "session_ended");
      }
    }
    const kept = Array.from({ length: many }, (_, n) => n).filter((n) => n % 3 !== 0);
    for (const n of kept) assert.ok(found.includes(sidOf(n)), `${sidOf(n)} was left out`);
    assert.deepEqual(sids(await walked(store)), kept.map(sidOf));
  });

  rule("goes on when the walker itself removes each session", async (store) => {
    for (let n = 0; n < many; n++) await insert(store, sidOf(n), { n });
    const found: string[] = [];
    for await (const [sid] of store.walk()) {
      found.push(sid);
      await store.remove(sid, "session_ended");
    }
    assert.equal(new Set(found).size, many);
    assert.deepEqual(await walked(store), []);
  });

  rule("walks all that were there before, when sessions begin and change during the walk", async (store) => {
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

  rule("ends a walk that is left early, and begins the next one anew", async (store) => {
    for (let n = 0; n < 10; n++) await insert(store, sidOf(n), { n });
    for await (const [sid] of store.walk()) {
      assert.ok(sid);
      break;
    }
    assert.equal((await walked(store)).length, 10);
  });

  rule("gives each walker a copy of its own", async (store) => {
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

  rule("walks sessions that were set by express-session's API", async (store) => {
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
