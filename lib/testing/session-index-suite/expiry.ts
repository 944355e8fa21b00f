import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import { eventually } from "../tools/eventually.ts";
import { assertEntered, assertExpiresIn, expiryOf, minuteMs, revoked, shorten } from "./index-state.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const shortMs = 60;

/** The latest moment that a Date can be. */
const endOfTimeMs = 8.64e15;

/** Nothing about a user outlives the user's last session. */
export function expiryRules(rule: RuleDeclarer): void {
  rule("keeps nothing of a user whose last session has expired", async (index) => {
    await index.enter("u", "a", shortMs);
    await index.enter("u", "b", 2 * shortMs);
    await untilForgotten(index, "u");
    for (const sid of ["a", "b"]) {
      assert.equal(await index.confirm("u", sid), false, sid);
      assert.equal(await index.revokeOne("u", sid), false, sid);
    }
  });

  rule("keeps nothing of a user whose last revoked session has expired", async (index) => {
    await index.enter("u", "a", shortMs);
    await index.enter("u", "b", 2 * shortMs);
    assert.deepEqual(await revoked(index, "u"), ["a", "b"]);
    await untilForgotten(index, "u");
    await index.enter("u", "a", minuteMs);
    await assertEntered(index, "u", ["a"]);
  });

  rule("keeps nothing of a user whose many revoked sessions have expired", async (index) => {
    for (let n = 0; n < 200; n++) await index.enter("u", `s${n}`, shortMs);
    await index.revoke("u", undefined, 1);
    await untilForgotten(index, "u");
  });

  rule("keeps nothing of a user whose session was shortened and has expired", async (index) => {
    await index.enter("u", "a", Number.POSITIVE_INFINITY);
    await shorten(index, "u", "a", shortMs);
    await untilForgotten(index, "u");
  });

  rule("keeps a revocation as long as the session can live", async (index) => {
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "b", shortMs);
    await index.enter("v", "short", shortMs);
    await index.revokeOne("u", "a");
    await untilForgotten(index, "v");
    await index.enter("u", "a", minuteMs);
    assert.equal(await index.confirm("u", "a"), false);
    assert.ok((await index.revoke("u", undefined)).includes("a"));
  });

  rule("keeps a live entry when other sessions of the user have expired", async (index) => {
    await index.enter("u", "long", minuteMs);
    const expiry = await expiryOf(index, "u", "long");
    await index.enter("u", "short", shortMs);
    await index.enter("v", "short", shortMs);
    await untilForgotten(index, "v");
    assert.equal(await index.confirm("u", "long"), true);
    assert.equal(await expiryOf(index, "u", "long"), expiry);
    await index.remove("u", ["short"]);
    await assertEntered(index, "u", ["long"]);
  });

  rule("keeps an entry that was extended beyond its first expiry", async (index) => {
    await index.enter("u", "a", shortMs);
    await index.extend("u", "a", minuteMs);
    await index.enter("v", "b", 2 * shortMs);
    await untilForgotten(index, "v");
    await assertEntered(index, "u", ["a"]);
  });

  rule("handles an entry without an expiry", async (index) => {
    const since = Date.now();
    await index.enter("u", "a", Number.POSITIVE_INFINITY);
    await index.enter("u", "b", minuteMs);
    assert.equal(await expiryOf(index, "u", "a"), Number.POSITIVE_INFINITY);
    await assertEntered(index, "u", ["a", "b"]);
    await index.extend("u", "b", Number.POSITIVE_INFINITY);
    await shorten(index, "u", "a", minuteMs);
    assert.equal(await expiryOf(index, "u", "b"), Number.POSITIVE_INFINITY);
    await assertExpiresIn(index, "u", "a", minuteMs, since);
    assert.deepEqual(await revoked(index, "u", "a"), ["b"]);
    assert.equal(await index.confirm("u", "b"), false);
    await index.enter("u", "b", Number.POSITIVE_INFINITY);
    assert.equal(await index.confirm("u", "b"), false);
    await index.remove("u", ["a", "b"]);
    assert.deepEqual(await revoked(index, "u"), []);
  });

  rule("handles lives of any length", async (index) => {
    const since = Date.now();
    await index.enter("u", "fraction", 60_000.5);
    const longestMs = endOfTimeMs - Date.now();
    await index.enter("u", "longest", longestMs);
    await assertEntered(index, "u", ["fraction", "longest"]);
    await assertExpiresIn(index, "u", "fraction", minuteMs, since);
    await assertExpiresIn(index, "u", "longest", longestMs, since);
    assert.deepEqual(await revoked(index, "u"), ["fraction", "longest"]);
  });

  rule("soon forgets a session that is entered after its expiry", async (index) => {
    await index.enter("u", "zero", 0);
    await index.enter("v", "past", -minuteMs);
    await index.enter("w", "long past", -Date.now() - minuteMs);
    for (const userId of ["u", "v", "w"]) await untilForgotten(index, userId);
  });
}

/** Waits until an index has nothing of a user. Other users log in meanwhile. */
async function untilForgotten(index: SessionIndex, userId: string): Promise<void> {
  let logins = 0;
  await eventually(async () => {
    await index.enter(`other ${logins++}`, "a", shortMs);
    assert.deepEqual(await index.entries(userId), [], "it still has entries");
    assert.deepEqual(await index.revoke(userId, "none"), [], "it still has revoked entries");
  });
}
