import assert from "node:assert/strict";
import { assertEntered, enteredSids, minuteMs, range, revoked } from "./index-state.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** A revoked entry stays revoked, and is returned again, until it is removed. */
export function revokingRules(rule: RuleDeclarer): void {
  rule("revokes all entries of a user, and then lists and confirms none", async (index) => {
    for (const sid of ["a", "b", "c"]) await index.enter("u", sid, minuteMs);
    assert.deepEqual(await revoked(index, "u"), ["a", "b", "c"]);
    await assertEntered(index, "u", []);
    for (const sid of ["a", "b", "c"]) assert.equal(await index.confirm("u", sid), false, sid);
  });

  rule("returns the same ids again until they are removed", async (index) => {
    for (const sid of ["a", "b", "c"]) await index.enter("u", sid, minuteMs);
    assert.deepEqual(await revoked(index, "u"), ["a", "b", "c"]);
    assert.deepEqual(await revoked(index, "u"), ["a", "b", "c"]);
    await index.remove("u", ["b"]);
    assert.deepEqual(await revoked(index, "u"), ["a", "c"]);
    await index.enter("u", "d", minuteMs);
    assert.deepEqual(await revoked(index, "u"), ["a", "c", "d"]);
    await index.remove("u", ["a", "c", "d"]);
    assert.deepEqual(await revoked(index, "u"), []);
  });

  rule("does not confirm a revoked session, even when it is entered again", async (index) => {
    await index.enter("u", "a", minuteMs);
    await index.revoke("u", undefined);
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "a", Number.POSITIVE_INFINITY);
    assert.equal(await index.confirm("u", "a"), false);
    await assertEntered(index, "u", []);
    assert.deepEqual(await revoked(index, "u"), ["a"]);
  });

  rule("moving the expiry does not undo a revocation", async (index) => {
    await index.enter("u", "a", minuteMs);
    await index.revokeOne("u", "a");
    for (const lifeMs of [2 * minuteMs, 1, Number.POSITIVE_INFINITY]) {
      assert.equal(await index.extend("u", "a", lifeMs), false);
      assert.equal(await index.confirm("u", "a"), false, `${lifeMs}`);
    }
    await assertEntered(index, "u", []);
    assert.deepEqual(await revoked(index, "u"), ["a"]);
  });

  rule("confirms a login that begins after the revoked entry was removed", async (index) => {
    await index.enter("u", "a", minuteMs);
    await index.remove("u", await index.revoke("u", undefined));
    await index.enter("u", "a", minuteMs);
    await assertEntered(index, "u", ["a"]);
  });

  rule("keeps the excepted session, and does not return it", async (index) => {
    for (const sid of ["a", "b", "c"]) await index.enter("u", sid, minuteMs);
    assert.deepEqual(await revoked(index, "u", "b"), ["a", "c"]);
    await assertEntered(index, "u", ["b"]);
    assert.equal(await index.extend("u", "b", 2 * minuteMs), true);
    assert.deepEqual(await revoked(index, "u", "b"), ["a", "c"]);
    await assertEntered(index, "u", ["b"]);
    assert.deepEqual(await revoked(index, "u", "c"), ["a", "b", "c"]);
    await assertEntered(index, "u", []);
  });

  rule("revokes all if the excepted session is not the user's", async (index) => {
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    await index.enter("v", "c", minuteMs);
    assert.deepEqual(await revoked(index, "u", "c"), ["a", "b"]);
    await assertEntered(index, "u", []);
    await assertEntered(index, "v", ["c"]);
    assert.equal(await index.confirm("u", "c"), false);
  });

  rule("an excepted session that was revoked before stays revoked, and is returned", async (index) => {
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    await index.revokeOne("u", "a");
    assert.deepEqual(await revoked(index, "u", "a"), ["a", "b"]);
    assert.equal(await index.confirm("u", "a"), false);
    assert.deepEqual(await revoked(index, "u"), ["a", "b"]);
  });

  rule("removeRevoked removes only the entries that are still revoked", async (index) => {
    for (const sid of ["a", "b", "c"]) await index.enter("u", sid, minuteMs);
    const sids = await revoked(index, "u", "c");
    // Another call ends first, and then somebody logs in with the same session.
    await index.removeRevoked("u", sids);
    await index.enter("u", "a", minuteMs);
    await index.removeRevoked("u", ["a", "b", "c", "never"]);
    await assertEntered(index, "u", ["a", "c"]);
    await index.removeRevoked("nobody", ["a"]);
  });

  rule("revokes one session, and tells whether the user has it", async (index) => {
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    await index.enter("v", "c", minuteMs);
    assert.equal(await index.revokeOne("u", "c"), false);
    assert.equal(await index.revokeOne("u", "never"), false);
    assert.equal(await index.revokeOne("u", ""), false);
    await assertEntered(index, "u", ["a", "b"]);
    assert.equal(await index.revokeOne("u", "a"), true);
    await assertEntered(index, "u", ["b"]);
    assert.equal(await index.confirm("u", "a"), false);
    await assertEntered(index, "v", ["c"]);
  });

  rule("a revoked session can be revoked again until it is removed", async (index) => {
    await index.enter("u", "a", minuteMs);
    assert.equal(await index.revokeOne("u", "a"), true);
    assert.equal(await index.revokeOne("u", "a"), true);
    await index.remove("u", ["a"]);
    assert.equal(await index.revokeOne("u", "a"), false);
  });

  rule("revoking all entries also returns one that was revoked before", async (index) => {
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    await index.revokeOne("u", "a");
    assert.deepEqual(await revoked(index, "u"), ["a", "b"]);
  });

  rule("keeps the 3 000 entries of other users unchanged", async (index) => {
    const others = range(3_000).map((n) => `user-${n}`);
    await Promise.all(others.map((userId) => index.enter(userId, `${userId}'s`, minuteMs)));
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    assert.deepEqual(await revoked(index, "u"), ["a", "b"]);
    await index.remove("u", ["a", "b", ...others.map((userId) => `${userId}'s`)]);
    const found = await Promise.all(others.map((userId) => enteredSids(index, userId)));
    assert.deepEqual(
      found,
      others.map((userId) => [`${userId}'s`]),
    );
    const confirmed = await Promise.all(others.map((userId) => index.confirm(userId, `${userId}'s`)));
    assert.ok(confirmed.every((is) => is));
  });
}
