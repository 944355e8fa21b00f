import assert from "node:assert/strict";
import {
  assertGone,
  assertStored,
  baseOf,
  contentsOf,
  insert,
  readStored,
  sessionData,
  snapshot,
  snapshotOf,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** `write` never overwrites a version that the writer has not seen, and never brings a session back. */
export function writingRules(rule: RuleDeclarer): void {
  rule("finds no session that was never written", (store) => assertGone(store, "a"));

  rule("inserts a session that does not exist", async (store) => {
    const base = await insert(store, "a", { name: "Ada" });
    const stored = await readStored(store, "a");
    assert.equal(stored.version, base.version);
    assert.deepEqual(contentsOf(stored), { name: "Ada" });
    assert.deepEqual(JSON.parse(stored.json), JSON.parse(JSON.stringify(stored.data)));
  });

  rule("does not insert over a session that exists", async (store) => {
    const base = await insert(store, "a", { name: "Ada" });
    const result = await store.write("a", snapshot({ name: "Eve" }), undefined);
    assert.ok(result.outcome === "changed", result.outcome);
    assert.deepEqual(contentsOf(result.current), { name: "Ada" });
    assert.equal(result.current.version, base.version);
    await assertStored(store, "a", { name: "Ada" });
  });

  rule("overwrites the version that was loaded", async (store) => {
    const base = await insert(store, "a", { n: 1, gone: true });
    const result = await store.write("a", snapshot({ n: 2 }), base);
    assert.ok(result.outcome === "written", result.outcome);
    assert.notEqual(result.version, base.version);
    assert.equal((await readStored(store, "a")).version, result.version);
    await assertStored(store, "a", { n: 2 });
  });

  rule("answers a write from an older version with the current contents", async (store) => {
    const first = await insert(store, "a", { n: 1 });
    const second = await store.write("a", snapshot({ n: 2 }), first);
    const late = await store.write("a", snapshot({ n: 3 }), first);
    assert.ok(second.outcome === "written" && late.outcome === "changed", late.outcome);
    assert.deepEqual(contentsOf(late.current), { n: 2 });
    assert.deepEqual(JSON.parse(late.current.json), JSON.parse(JSON.stringify(late.current.data)));
    assert.equal(late.current.version, second.version);
    await assertStored(store, "a", { n: 2 });
  });

  rule("accepts a write from the version that came in between", async (store) => {
    const first = await insert(store, "a", { n: 1 });
    await store.write("a", snapshot({ n: 2 }), first);
    const late = await store.write("a", snapshot({ n: 3 }), first);
    assert.ok(late.outcome === "changed", late.outcome);
    const again = await store.write("a", snapshot({ n: 3 }), late.current);
    assert.equal(again.outcome, "written");
    await assertStored(store, "a", { n: 3 });
  });

  rule("returns a separate copy to a late writer", async (store) => {
    const first = await insert(store, "a", { n: 1 });
    await store.write("a", snapshot({ list: [1] }), first);
    const late = await store.write("a", snapshot({ n: 3 }), first);
    assert.ok(late.outcome === "changed", late.outcome);
    Object.assign(late.current.data, { list: "spoilt", more: true });
    await assertStored(store, "a", { list: [1] });
  });

  rule("does not write a session that was removed", async (store) => {
    const base = await insert(store, "a", { n: 1 });
    await store.remove("a", "session_ended");
    assert.deepEqual(await store.write("a", snapshot({ n: 2 }), base), { outcome: "deleted" });
    await assertGone(store, "a");
  });

  rule("does not write a session that never existed", async (store) => {
    assert.deepEqual(await store.write("a", snapshot({ n: 2 }), baseOf(snapshot({ n: 1 }))), {
      outcome: "deleted",
    });
    await assertGone(store, "a");
  });

  rule("inserts a session under the id of a removed one", async (store) => {
    await insert(store, "a", { n: 1 });
    await store.remove("a", "session_ended");
    await insert(store, "a", { n: 2 });
    await assertStored(store, "a", { n: 2 });
  });

  rule("tells sessions with different ids apart", async (store) => {
    const base = await insert(store, "a", { n: 1 });
    await insert(store, "b", { n: 2 });
    await store.write("a", snapshot({ n: 3 }), base);
    await store.remove("b", "session_ended");
    await assertStored(store, "a", { n: 3 });
    await assertGone(store, "b");
  });

  rule("stores the contents as they were at the time of the call", async (store) => {
    const data = sessionData({ list: [1] });
    const writing = store.write("a", snapshotOf(data), undefined);
    Object.assign(data, { list: "spoilt", more: true });
    await writing;
    Object.assign(data, { list: "spoilt again" });
    await assertStored(store, "a", { list: [1] });
  });
}
