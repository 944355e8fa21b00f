import assert from "node:assert/strict";
import { assertEntered, enteredSids, minuteMs, range } from "./index-state.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** A call with a limit returns at most that many. A caller that repeats it reaches the end. */
export function limitRules(rule: RuleDeclarer): void {
  rule("returns at most the given number of entries, latest expiry first", async (index) => {
    for (const [at, sid] of ["c", "a", "d", "b"].entries()) await index.enter("u", sid, (4 - at) * minuteMs);
    await index.extend("u", "b", 10 * minuteMs);
    const last = async (limit?: number) => (await index.entries("u", limit)).map(({ sid }) => sid);
    assert.deepEqual(await last(1), ["b"]);
    assert.deepEqual(await last(3), ["b", "c", "a"]);
    assert.deepEqual(await last(4), ["b", "c", "a", "d"]);
    assert.deepEqual(await last(100), ["b", "c", "a", "d"]);
    assert.deepEqual(await last(Number.POSITIVE_INFINITY), ["b", "c", "a", "d"]);
    assert.deepEqual(await last(), ["b", "c", "a", "d"]);
  });

  rule("returns at most the given number of entries, earliest expiry first", async (index) => {
    await index.enter("u", "never", Number.POSITIVE_INFINITY);
    for (const [at, sid] of ["c", "a", "d", "b"].entries()) await index.enter("u", sid, (4 - at) * minuteMs);
    await index.extend("u", "b", 10 * minuteMs);
    const first = async (limit?: number) => (await index.entries("u", limit, "first")).map(({ sid }) => sid);
    assert.deepEqual(await first(1), ["d"]);
    assert.deepEqual(await first(3), ["d", "a", "c"]);
    assert.deepEqual(await first(100), ["d", "a", "c", "b", "never"]);
    assert.deepEqual(await first(), ["d", "a", "c", "b", "never"]);
    assert.deepEqual(
      (await index.entries("u", 1)).map(({ sid }) => sid),
      ["never"],
    );
  });

  rule("a revoked entry does not count towards the limit, at either end", async (index) => {
    for (const n of range(10)) await index.enter("u", `s${n}`, (n + 1) * minuteMs);
    for (const n of [0, 1, 4, 8, 9]) await index.revokeOne("u", `s${n}`);
    assert.deepEqual(
      (await index.entries("u", 2)).map(({ sid }) => sid),
      ["s7", "s6"],
    );
    assert.deepEqual(
      (await index.entries("u", 2, "first")).map(({ sid }) => sid),
      ["s2", "s3"],
    );
    assert.equal((await index.entries("u", 100)).length, 5);
    assert.equal((await index.entries("u", 100, "first")).length, 5);
  });

  rule("revokes all entries, and returns the next ones after the first are removed", async (index) => {
    const sids = range(25).map((n) => `s${n}`);
    for (const sid of sids) await index.enter("u", sid, minuteMs);
    const found = await index.revoke("u", "s7", 10);
    assert.equal(found.length, 10);
    await assertEntered(index, "u", ["s7"]);
    assert.equal((await index.revoked("u", 10)).length, 10);
    assert.equal((await index.revoked("u")).length, 24);
    const removed: string[] = [];
    for (let some = found; some.length > 0; some = await index.revoked("u", 10)) {
      assert.ok(some.length <= 10);
      await index.removeRevoked("u", some);
      removed.push(...some);
      assert.ok(removed.length <= 24, "what was removed was given again");
    }
    assert.deepEqual(removed.sort(), sids.filter((sid) => sid !== "s7").sort());
    await assertEntered(index, "u", ["s7"]);
  });

  rule("lists revoked entries without revoking anything", async (index) => {
    for (const sid of ["a", "b"]) await index.enter("u", sid, minuteMs);
    assert.deepEqual(await index.revoked("u", 10), []);
    assert.deepEqual(await index.revoked("nobody", 10), []);
    await index.revokeOne("u", "a");
    await index.enter("u", "c", minuteMs);
    assert.deepEqual(await index.revoked("u", 10), ["a"]);
    assert.deepEqual(await enteredSids(index, "u"), ["b", "c"]);
    for (const sid of ["b", "c"]) assert.equal(await index.confirm("u", sid), true, sid);
  });

  rule(
    "a second revocation adds later entries to those revoked before, with few and with many",
    async (index) => {
      for (const count of [5, 300]) {
        const userId = `user with ${count}`;
        const [first, second] = [range(count).map((n) => `a${n}`), range(count).map((n) => `b${n}`)];
        for (const sid of first) await index.enter(userId, sid, minuteMs);
        assert.equal((await index.revoke(userId, undefined, 1)).length, 1);
        for (const sid of second) await index.enter(userId, sid, 2 * minuteMs);
        for (const sid of first) await index.enter(userId, sid, 2 * minuteMs);
        assert.deepEqual(await enteredSids(index, userId), [...second].sort());
        await index.revoke(userId, "b3", 1);
        assert.deepEqual(
          (await index.revoked(userId)).sort(),
          [...first, ...second].filter((sid) => sid !== "b3").sort(),
        );
        assert.equal(await index.extend(userId, "b3", minuteMs), true);
        await assertEntered(index, userId, ["b3"]);
        assert.equal(await index.extend(userId, "a0", minuteMs), false);
      }
    },
  );

  rule("reaches the end of many revoked entries after they have expired", async (index) => {
    for (const n of range(300)) await index.enter("u", `s${n}`, 500);
    await index.revoke("u", undefined, 1);
    await index.enter("u", "living", 60 * minuteMs);
    await index.removeRevoked("u", await index.revoked("u"));
    await assertEntered(index, "u", ["living"]);
  });
}
