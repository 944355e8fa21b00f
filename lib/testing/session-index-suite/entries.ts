import assert from "node:assert/strict";
import {
  assertEntered,
  assertExpiresIn,
  expiryOf,
  minuteMs,
  range,
  revoked,
  shorten,
} from "./index-state.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** An entry is found and confirmed from entering until removal. */
export function entryRules(rule: RuleDeclarer): void {
  rule("has no entries of a user who never logged in, and throws no error", async (index) => {
    assert.deepEqual(await index.entries("nobody"), []);
    assert.equal(await index.confirm("nobody", "a"), false);
    assert.deepEqual(await index.revoke("nobody", undefined), []);
    assert.deepEqual(await index.revoke("nobody", "a"), []);
    assert.equal(await index.revokeOne("nobody", "a"), false);
    assert.deepEqual(await index.revoked("nobody"), []);
    await index.remove("nobody", ["a"]);
    await index.remove("nobody", []);
    assert.equal(await index.extend("nobody", "a", minuteMs), false);
    await assertEntered(index, "nobody", []);
    assert.equal(await index.confirm("nobody", "a"), false);
  });

  rule("lists and confirms an entry, with its expiry", async (index) => {
    const since = Date.now();
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "b", 2 * minuteMs);
    await assertEntered(index, "u", ["a", "b"]);
    await assertExpiresIn(index, "u", "a", minuteMs, since);
    await assertExpiresIn(index, "u", "b", 2 * minuteMs, since);
    assert.equal(await index.confirm("u", "c"), false);
  });

  rule("keeps an entry unchanged that is entered again", async (index) => {
    await index.enter("u", "a", minuteMs);
    const before = await expiryOf(index, "u", "a");
    await index.enter("u", "a", 10 * minuteMs);
    await index.enter("u", "a", 1);
    await index.enter("u", "a", Number.POSITIVE_INFINITY);
    await assertEntered(index, "u", ["a"]);
    assert.equal(await expiryOf(index, "u", "a"), before);
  });

  rule("keeps a separate entry for each user of the same session", async (index) => {
    await index.enter("u", "a", minuteMs);
    await index.enter("v", "a", minuteMs);
    await index.remove("u", ["a"]);
    await assertEntered(index, "u", []);
    assert.equal(await index.confirm("u", "a"), false);
    await assertEntered(index, "v", ["a"]);
  });

  rule("returns copies that the caller may change", async (index) => {
    const since = Date.now();
    await index.enter("u", "a", minuteMs);
    const entries = await index.entries("u");
    Object.assign(entries[0] as object, { sid: "spoilt", expiresAt: 0 });
    entries.length = 0;
    await assertEntered(index, "u", ["a"]);
    await assertExpiresIn(index, "u", "a", minuteMs, since);
  });

  rule("removes the given entries and nothing else", async (index) => {
    for (const sid of ["a", "b", "c", "d"]) await index.enter("u", sid, minuteMs);
    const asked = Object.freeze(["b", "never", "d", "b"]);
    await index.remove("u", asked);
    await index.remove("u", asked);
    await index.remove("u", []);
    await assertEntered(index, "u", ["a", "c"]);
    for (const sid of asked) assert.equal(await index.confirm("u", sid), false, sid);
  });

  rule("a removed session can be entered again", async (index) => {
    await index.enter("u", "a", minuteMs);
    await index.remove("u", ["a"]);
    const since = Date.now();
    await index.enter("u", "a", 2 * minuteMs);
    await assertEntered(index, "u", ["a"]);
    await assertExpiresIn(index, "u", "a", 2 * minuteMs, since);
  });

  rule("moves an expiry later and sooner", async (index) => {
    const since = Date.now();
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "b", minuteMs);
    assert.equal(await index.extend("u", "a", 60 * minuteMs), true);
    await assertExpiresIn(index, "u", "a", 60 * minuteMs, since);
    await shorten(index, "u", "a", 10_000);
    await assertExpiresIn(index, "u", "a", 10_000, since);
    await assertExpiresIn(index, "u", "b", minuteMs, since);
    await assertEntered(index, "u", ["a", "b"]);
  });

  rule("extend never makes an expiry earlier, and shorten never makes it later", async (index) => {
    const since = Date.now();
    await index.enter("u", "a", 60 * minuteMs);
    assert.equal(await index.extend("u", "a", minuteMs), true);
    await assertExpiresIn(index, "u", "a", 60 * minuteMs, since);
    await shorten(index, "u", "a", 90 * minuteMs);
    await assertExpiresIn(index, "u", "a", 60 * minuteMs, since);
    await index.enter("u", "b", Number.POSITIVE_INFINITY);
    assert.equal(await index.extend("u", "b", minuteMs), true);
    assert.equal(await expiryOf(index, "u", "b"), Number.POSITIVE_INFINITY);
  });

  rule("does not shorten an entry that was extended or revoked after it was marked", async (index) => {
    const since = Date.now();
    for (const sid of ["later", "sooner", "for ever"]) {
      await index.enter("u", sid, sid === "for ever" ? Number.POSITIVE_INFINITY : 10 * minuteMs);
      const mark = (await index.mark("u", sid)) as number;
      await index.extend("u", sid, sid === "later" ? 60 * minuteMs : minuteMs);
      await index.shorten("u", sid, 1_000, mark);
    }
    await assertExpiresIn(index, "u", "later", 60 * minuteMs, since);
    await assertExpiresIn(index, "u", "sooner", 10 * minuteMs, since);
    assert.equal(await expiryOf(index, "u", "for ever"), Number.POSITIVE_INFINITY);
    const mark = (await index.mark("u", "later")) as number;
    await index.revokeOne("u", "later");
    await index.shorten("u", "later", 1_000, mark);
    assert.equal(await index.confirm("u", "later"), false);
    await index.shorten("u", "never entered", 1_000, mark);
    assert.equal(await index.confirm("u", "never entered"), false);
  });

  rule("moving an expiry does not create an entry", async (index) => {
    assert.equal(await index.extend("u", "a", minuteMs), false);
    await index.enter("u", "b", minuteMs);
    assert.equal(await index.extend("u", "a", minuteMs), false);
    await index.enter("u", "c", minuteMs);
    await index.remove("u", ["c"]);
    assert.equal(await index.extend("u", "c", minuteMs), false);
    await assertEntered(index, "u", ["b"]);
    for (const sid of ["a", "c"]) assert.equal(await index.confirm("u", sid), false, sid);
    assert.deepEqual(await revoked(index, "u"), ["b"]);
  });

  rule("handles 5 000 sessions of one user", async (index) => {
    const sids = range(5_000).map((n) => `s${n}`);
    await Promise.all(sids.map((sid) => index.enter("u", sid, minuteMs)));
    assert.equal((await index.entries("u")).length, 5_000);
    assert.equal((await index.revoke("u", "s17")).length, 4_999);
    await assertEntered(index, "u", ["s17"]);
    await index.remove(
      "u",
      sids.filter((sid) => sid !== "s17"),
    );
    assert.deepEqual(await revoked(index, "u"), ["s17"]);
  });
}
