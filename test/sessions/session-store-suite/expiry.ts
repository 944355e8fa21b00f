import assert from "node:assert/strict";
import type { SessionStore } from "../../../lib/sessions/session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  insert,
  readStored,
  sessionData,
  snapshot,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** Stores may round an expiry up to whole seconds. */
const roundingMs = 1_500;

/** A session lives until its cookie's expiry, which `refresh` moves and which ends it like a removal. */
export function expiryRules(rule: RuleDeclarer): void {
  rule("has no session any more whose time has passed", async (store) => {
    const version = await insert(store, "a", { n: 1 }, 50);
    await untilGone(store, "a");
    assert.deepEqual(await store.write("a", snapshot({ n: 2 }), version), { outcome: "deleted" });
    assert.deepEqual(await store.expiries(["a"]), [undefined]);
    await assertGone(store, "a");
  });

  rule("keeps a session whose cookie has no expiry", async (store) => {
    await insert(store, "a", { n: 1 }, null);
    const [expiry] = await store.expiries(["a"]);
    assert.ok(expiry !== undefined && expiry > Date.now(), `expires at ${expiry}`);
    await assertStored(store, "a", { n: 1 });
  });

  rule("tells when sessions expire, in the order asked, also of those that are gone", async (store) => {
    await insert(store, "a", {}, 60_000);
    await insert(store, "b", {}, 3_600_000);
    const [b, gone, a, again] = await store.expiries(["b", "gone", "a", "b"]);
    assert.equal(gone, undefined);
    assertExpiresIn(a, 60_000);
    assertExpiresIn(b, 3_600_000);
    assertExpiresIn(again, 3_600_000);
    assert.deepEqual(await store.expiries([]), []);
  });

  rule("moves the expiry with a write", async (store) => {
    const version = await insert(store, "a", { n: 1 }, 60_000);
    await store.write("a", snapshot({ n: 2 }, 3_600_000), version);
    assertExpiresIn((await store.expiries(["a"]))[0], 3_600_000);
  });

  rule.deviable("refreshMovesExpiry", "moves the expiry with a refresh, later and sooner", async (store) => {
    await insert(store, "a", { n: 1 }, 60_000);
    assert.equal(await store.refresh("a", sessionData({}, 3_600_000)), true);
    assertExpiresIn((await store.expiries(["a"]))[0], 3_600_000);
    assert.equal(await store.refresh("a", sessionData({}, 5_000)), true);
    assertExpiresIn((await store.expiries(["a"]))[0], 5_000);
  });

  rule("keeps the contents at a refresh, whatever the refresher holds", async (store) => {
    await insert(store, "a", { n: 1, nested: { list: [1] } });
    await store.refresh("a", sessionData({ n: 2, mine: true }));
    await assertStored(store, "a", { n: 1, nested: { list: [1] } });
  });

  rule.deviable("refreshKeepsVersion", "takes a write from the version before a refresh", async (store) => {
    const version = await insert(store, "a", { n: 1 });
    await store.refresh("a", sessionData({}, 90_000));
    assert.equal((await readStored(store, "a")).version, version);
    assert.equal((await store.write("a", snapshot({ n: 2 }), version)).outcome, "written");
  });

  rule.deviable("refreshTellsGone", "tells the refresher of a session that is gone", async (store) => {
    await insert(store, "removed", {});
    await store.remove("removed", "session_ended");
    await insert(store, "expired", {}, 50);
    await untilGone(store, "expired");
    for (const sid of ["never", "removed", "expired"]) {
      assert.equal(await store.refresh(sid, sessionData({ n: 1 })), false, sid);
    }
  });

  rule("does not bring a session back with a refresh", async (store) => {
    await insert(store, "removed", {});
    await store.remove("removed", "session_ended");
    await insert(store, "expired", {}, 50);
    await untilGone(store, "expired");
    for (const sid of ["never", "removed", "expired"]) {
      await store.refresh(sid, sessionData({ n: 1 }));
      await assertGone(store, sid);
    }
  });

  rule("does not insert a session that has expired already, and announces its end", async (store) => {
    const heard = announcements(store);
    assert.deepEqual(await store.write("a", snapshot({ n: 1 }, -1_000), undefined), { outcome: "expired" });
    assert.deepEqual(heard, [["a", "session_ended"]]);
    await assertGone(store, "a");
  });

  rule(
    "removes a session that is written with an expiry in the past, and announces its end",
    async (store) => {
      const version = await insert(store, "a", { n: 1 });
      const heard = announcements(store);
      assert.deepEqual(await store.write("a", snapshot({ n: 2 }, -1_000), version), { outcome: "expired" });
      assert.deepEqual(heard, [["a", "session_ended"]]);
      await assertGone(store, "a");
      assert.deepEqual(await store.write("a", snapshot({ n: 3 }), version), { outcome: "deleted" });
    },
  );
}

function assertExpiresIn(expiry: number | undefined, ms: number): void {
  assert.ok(expiry !== undefined, "the session is gone");
  const off = expiry - Date.now() - ms;
  assert.ok(Math.abs(off) <= roundingMs, `the expiry is off by ${off} ms`);
}

async function untilGone(store: SessionStore, sid: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (await store.read(sid)) {
    assert.ok(Date.now() < deadline, `session ${sid} did not expire`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
