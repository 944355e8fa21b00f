import assert from "node:assert/strict";
import type { SessionStore } from "../../sessions/session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  insert,
  insertShort,
  readStored,
  sessionData,
  snapshot,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** Stores may round an expiry up to whole seconds. */
const roundingMs = 1_500;

/** A session lives until the expiry of its cookie, which `refresh` moves. An expired session is gone. */
export function expiryRules(rule: RuleDeclarer): void {
  rule("an expired session is gone", async (store) => {
    const base = await insertShort(store, "a", { n: 1 });
    await untilGone(store, "a");
    assert.deepEqual(await store.write("a", snapshot({ n: 2 }), base), { outcome: "deleted" });
    assert.deepEqual(await store.expiries(["a"]), [undefined]);
    await assertGone(store, "a");
  });

  rule("keeps a session whose cookie has no expiry", async (store) => {
    await insert(store, "a", { n: 1 }, null);
    const [expiry] = await store.expiries(["a"]);
    assert.ok(expiry !== undefined && expiry > Date.now(), `expires at ${expiry}`);
    await assertStored(store, "a", { n: 1 });
  });

  rule(
    "returns the expiries of sessions in the order of their ids, undefined for those that are gone",
    async (store) => {
      const since = Date.now();
      await insert(store, "a", {}, 60_000);
      await insert(store, "b", {}, 3_600_000);
      const [b, gone, a, again] = await store.expiries(["b", "gone", "a", "b"]);
      assert.equal(gone, undefined);
      assertExpiresIn(a, 60_000, since);
      assertExpiresIn(b, 3_600_000, since);
      assertExpiresIn(again, 3_600_000, since);
      assert.deepEqual(await store.expiries([]), []);
    },
  );

  rule("tells how long a session will live before it is written", async (store) => {
    for (const maxAge of [5_000, 60_000, 3_600_000, null]) {
      const since = Date.now();
      const next = snapshot({}, maxAge);
      const lifeMs = store.lifeMs(next.data);
      if (maxAge !== null) assertExpiresIn(Date.now() + lifeMs, maxAge, since);
      await store.write(`${maxAge}`, next, undefined);
      const [expiry] = await store.expiries([`${maxAge}`]);
      if (lifeMs === Number.POSITIVE_INFINITY) assert.equal(expiry, lifeMs);
      else assertExpiresIn(expiry, lifeMs, since);
    }
  });

  rule("tells the same life of a session that was read as of the one that was written", async (store) => {
    for (const maxAge of [60_000, null]) {
      const since = Date.now();
      const { data } = snapshot({}, maxAge);
      const lifeMs = store.lifeMs(data);
      await insert(store, `${maxAge}`, {}, maxAge);
      const read = store.lifeMs((await readStored(store, `${maxAge}`)).data);
      if (lifeMs === Number.POSITIVE_INFINITY) assert.equal(read, lifeMs);
      else assertExpiresIn(Date.now() + read, lifeMs, since);
    }
  });

  rule("tells that an expired session has no time left", async (store) => {
    assert.ok(store.lifeMs(sessionData({}, -2_000)) <= 0);
  });

  rule("moves the expiry with a write", async (store) => {
    const base = await insert(store, "a", { n: 1 }, 60_000);
    const since = Date.now();
    await store.write("a", snapshot({ n: 2 }, 3_600_000), base);
    assertExpiresIn((await store.expiries(["a"]))[0], 3_600_000, since);
  });

  rule.deviable("refreshMovesExpiry", "moves the expiry with a refresh, later and sooner", async (store) => {
    await insert(store, "a", { n: 1 }, 60_000);
    const since = Date.now();
    assert.equal(await store.refresh("a", sessionData({}, 3_600_000)), true);
    assertExpiresIn((await store.expiries(["a"]))[0], 3_600_000, since);
    assert.equal(await store.refresh("a", sessionData({}, 5_000)), true);
    assertExpiresIn((await store.expiries(["a"]))[0], 5_000, since);
  });

  rule("a refresh from an older version does not move the expiry of a later write", async (store) => {
    for (const ms of [5_000, 3_600_000]) {
      const sid = `lives ${ms}`;
      const base = await insert(store, sid, { n: 1 }, 60_000);
      const since = Date.now();
      const written = await store.write(sid, snapshot({ n: 1 }, ms), base);
      assert.equal(written.outcome, "written");
      assert.equal(await store.refresh(sid, sessionData({ n: 1 }, 60_000), base.version), true);
      assertExpiresIn((await store.expiries([sid]))[0], ms, since);
    }
  });

  rule.deviable("refreshMovesExpiry", "a refresh from the stored version moves the expiry", async (store) => {
    const base = await insert(store, "a", { n: 1 }, 60_000);
    const since = Date.now();
    assert.equal(await store.refresh("a", sessionData({ n: 1 }, 3_600_000), base.version), true);
    assertExpiresIn((await store.expiries(["a"]))[0], 3_600_000, since);
  });

  rule("a refresh does not change the contents, whatever the caller has", async (store) => {
    await insert(store, "a", { n: 1, nested: { list: [1] } });
    await store.refresh("a", sessionData({ n: 2, mine: true }));
    await assertStored(store, "a", { n: 1, nested: { list: [1] } });
  });

  rule.deviable("refreshKeepsVersion", "accepts a write from the version before a refresh", async (store) => {
    const base = await insert(store, "a", { n: 1 });
    await store.refresh("a", sessionData({}, 90_000));
    assert.equal((await readStored(store, "a")).version, base.version);
    assert.equal((await store.write("a", snapshot({ n: 2 }), base)).outcome, "written");
  });

  rule.deviable("refreshTellsGone", "a refresh tells that a session is gone", async (store) => {
    await insert(store, "removed", {});
    await store.remove("removed", "session_ended");
    await insertShort(store, "expired");
    await untilGone(store, "expired");
    for (const sid of ["never", "removed", "expired"]) {
      assert.equal(await store.refresh(sid, sessionData({ n: 1 })), false, sid);
    }
  });

  rule("a refresh does not bring a session back", async (store) => {
    await insert(store, "removed", {});
    await store.remove("removed", "session_ended");
    await insertShort(store, "expired");
    await untilGone(store, "expired");
    for (const sid of ["never", "removed", "expired"]) {
      await store.refresh(sid, sessionData({ n: 1 }));
      await assertGone(store, sid);
    }
  });

  rule("does not insert a session that has already expired, and announces its end", async (store) => {
    const heard = announcements(store);
    assert.deepEqual(await store.write("a", snapshot({ n: 1 }, -1_000), undefined), { outcome: "expired" });
    assert.deepEqual(heard, [["a", "session_ended"]]);
    await assertGone(store, "a");
  });

  rule(
    "removes a session that is written with an expiry in the past, and announces its end",
    async (store) => {
      const base = await insert(store, "a", { n: 1 });
      const heard = announcements(store);
      assert.deepEqual(await store.write("a", snapshot({ n: 2 }, -1_000), base), { outcome: "expired" });
      assert.deepEqual(heard, [["a", "session_ended"]]);
      await assertGone(store, "a");
      assert.deepEqual(await store.write("a", snapshot({ n: 3 }), base), { outcome: "deleted" });
    },
  );
}

/** Asserts that a session expires `ms` after some moment between `since` and now. */
function assertExpiresIn(expiry: number | undefined, ms: number, since: number): void {
  assert.ok(expiry !== undefined, "the session is gone");
  const [early, late] = [since + ms - expiry, expiry - Date.now() - ms];
  assert.ok(early <= roundingMs, `it expires ${early} ms too early`);
  assert.ok(late <= roundingMs, `it expires ${late} ms too late`);
}

async function untilGone(store: SessionStore, sid: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (await store.read(sid)) {
    assert.ok(Date.now() < deadline, `session ${sid} did not expire`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
