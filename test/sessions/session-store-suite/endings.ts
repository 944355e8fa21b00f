import assert from "node:assert/strict";
import type { EndReason } from "../../../lib/sessions/session-endings.ts";
import type { StoredSession } from "../../../lib/sessions/session-store.ts";
import { announcements, assertGone, assertStored, called, insert } from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** Whoever ends a session, it is announced once it is gone. */
export function endingRules(rule: RuleDeclarer): void {
  for (const reason of ["session_ended", "session_replaced"] satisfies EndReason[]) {
    rule(`announces a removal as ${reason}, by the time that it resolves`, async (store) => {
      await insert(store, "a", {});
      await insert(store, "b", {});
      const heard = announcements(store);
      await store.remove("a", reason);
      assert.deepEqual(heard, [["a", reason]]);
      await assertGone(store, "a");
      await assertStored(store, "b", {});
    });
  }

  rule("announces a removal only when the session is gone", async (store) => {
    await insert(store, "a", {});
    const found: Promise<StoredSession | undefined>[] = [];
    store.endings.subscribe((sid) => found.push(store.read(sid)));
    await store.remove("a", "session_ended");
    assert.deepEqual(await Promise.all(found), [undefined]);
  });

  rule("announces the removal of a session that is gone already or never was", async (store) => {
    await insert(store, "a", {});
    await store.remove("a", "session_ended");
    const heard = announcements(store);
    await store.remove("a", "session_replaced");
    await store.remove("never", "session_ended");
    assert.deepEqual(heard, [
      ["a", "session_replaced"],
      ["never", "session_ended"],
    ]);
  });

  rule("tells every subscriber, until it unsubscribes", async (store) => {
    const heard: string[] = [];
    const unsubscribe = store.endings.subscribe((sid) => heard.push(`first ${sid}`));
    store.endings.subscribe((sid) => heard.push(`second ${sid}`));
    await store.remove("a", "session_ended");
    unsubscribe();
    await store.remove("b", "session_ended");
    assert.deepEqual(heard, ["first a", "second a", "second b"]);
  });

  rule("announces a session that is ended through destroy of the express-session store", async (store) => {
    await insert(store, "a", {});
    const heard = announcements(store);
    await called((done) => store.expressStore.destroy("a", done));
    assert.deepEqual(heard, [["a", "session_ended"]]);
    await assertGone(store, "a");
  });

  rule("announces a session that is ended through destroy without a callback", async (store) => {
    await insert(store, "a", {});
    const announced = new Promise((resolve) => store.endings.subscribe(resolve));
    store.expressStore.destroy("a");
    assert.equal(await announced, "a");
    await assertGone(store, "a");
  });

  rule("announces a session that is ended through regenerate of the express-session store", async (store) => {
    await insert(store, "a", {});
    const heard = announcements(store);
    const { expressStore } = store;
    const generated: unknown[] = [];
    // The part of the store that a session middleware gives it.
    Object.assign(expressStore, { generate: (req: unknown) => generated.push(req) });
    const req = { sessionID: "a" } as Parameters<typeof expressStore.regenerate>[0];
    await called((done) => expressStore.regenerate(req, done));
    assert.deepEqual(generated, [req]);
    assert.deepEqual(
      heard.map(([sid]) => sid),
      ["a"],
    );
    await assertGone(store, "a");
  });
}
