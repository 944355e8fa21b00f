import assert from "node:assert/strict";
import { range } from "../tools/range.ts";
import { assertGroups, assertMembers, noLimit } from "./group-rules.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** Who has joined is a member until leaving, and nobody else is. */
export function joiningRules(rule: RuleDeclarer): void {
  rule("knows of nobody at first", async (memberships) => {
    await assertGroups(memberships, "u", []);
    await assertMembers(memberships, "g", []);
    assert.equal(await memberships.leave("u", "g"), false);
    await assertGroups(memberships, "u", []);
    await assertMembers(memberships, "g", []);
  });

  rule("finds who has joined, by the user and by the group", async (memberships) => {
    assert.equal(await memberships.join("u", "g", noLimit), "joined");
    assert.equal(await memberships.join("u", "h", noLimit), "joined");
    assert.equal(await memberships.join("v", "g", noLimit), "joined");
    await assertGroups(memberships, "u", ["g", "h"]);
    await assertGroups(memberships, "v", ["g"]);
    await assertMembers(memberships, "g", ["u", "v"]);
    await assertMembers(memberships, "h", ["u"]);
  });

  rule("says of one group whether a user is in it", async (memberships) => {
    assert.equal(await memberships.isMember("u", "g"), false);
    await memberships.join("u", "g", noLimit);
    await memberships.join("v", "h", noLimit);
    await memberships.join("u", "full", 1);
    const answers = ["g", "h", "full", "never"].map((group) => memberships.isMember("u", group));
    assert.deepEqual(await Promise.all(answers), [true, false, false, false]);
    await memberships.leave("u", "g");
    assert.equal(await memberships.isMember("u", "g"), false);
    assert.equal(await memberships.isMember("v", "h"), true);
  });

  rule("has a member once who joins again", async (memberships) => {
    await memberships.join("u", "g", noLimit);
    for (let n = 0; n < 3; n++) assert.equal(await memberships.join("u", "g", noLimit), "member");
    await assertGroups(memberships, "u", ["g"]);
    await assertMembers(memberships, "g", ["u"]);
    assert.equal(await memberships.leave("u", "g"), true);
    await assertGroups(memberships, "u", []);
  });

  rule("finds nobody any more who has left, and says once that somebody was there", async (memberships) => {
    for (const userId of ["u", "v"]) {
      for (const group of ["g", "h"]) await memberships.join(userId, group, noLimit);
    }
    assert.equal(await memberships.leave("u", "g"), true);
    assert.equal(await memberships.leave("u", "g"), false);
    assert.equal(await memberships.leave("u", "never"), false);
    await assertGroups(memberships, "u", ["h"]);
    await assertGroups(memberships, "v", ["g", "h"]);
    await assertMembers(memberships, "g", ["v"]);
    await assertMembers(memberships, "h", ["u", "v"]);
  });

  rule("takes back who has left", async (memberships) => {
    for (let n = 0; n < 3; n++) {
      assert.equal(await memberships.join("u", "g", noLimit), "joined");
      await assertMembers(memberships, "g", ["u"]);
      assert.equal(await memberships.leave("u", "g"), true);
      await assertMembers(memberships, "g", []);
    }
    await assertGroups(memberships, "u", []);
  });

  rule("refuses one group more than may be, and has nothing of it", async (memberships) => {
    for (const group of ["a", "b"]) assert.equal(await memberships.join("u", group, 2), "joined");
    assert.equal(await memberships.join("u", "c", 2), "full");
    await assertGroups(memberships, "u", ["a", "b"]);
    await assertMembers(memberships, "c", []);
    assert.equal(await memberships.leave("u", "c"), false);
    assert.equal(await memberships.join("v", "c", 1), "joined");
    await assertMembers(memberships, "c", ["v"]);
  });

  rule("takes a member for one also where no further group may be", async (memberships) => {
    for (const group of ["a", "b", "c"]) await memberships.join("u", group, noLimit);
    for (const limit of [3, 2, 1]) assert.equal(await memberships.join("u", "b", limit), "member");
    assert.equal(await memberships.join("u", "d", 2), "full");
    await assertGroups(memberships, "u", ["a", "b", "c"]);
  });

  rule("takes another group for one that was left", async (memberships) => {
    for (const group of ["a", "b"]) await memberships.join("u", group, 2);
    await memberships.leave("u", "a");
    assert.equal(await memberships.join("u", "c", 2), "joined");
    assert.equal(await memberships.join("u", "a", 2), "full");
    await assertGroups(memberships, "u", ["b", "c"]);
    await assertMembers(memberships, "a", []);
  });

  rule("gives copies that their holder may change", async (memberships) => {
    await memberships.join("u", "g", noLimit);
    (await memberships.groupsOf("u")).push("spoilt");
    (await memberships.members("g")).length = 0;
    await assertGroups(memberships, "u", ["g"]);
    await assertMembers(memberships, "g", ["u"]);
    await assertMembers(memberships, "spoilt", []);
  });

  rule("takes 5 000 users in one group, and one user in 1 000 groups", async (memberships) => {
    const userIds = range(5_000).map((n) => `user ${n}`);
    const groups = range(1_000).map((n) => `group ${n}`);
    await Promise.all(userIds.map((userId) => memberships.join(userId, "all", noLimit)));
    await Promise.all(groups.map((group) => memberships.join("user 7", group, noLimit)));
    await assertMembers(memberships, "all", userIds);
    await assertGroups(memberships, "user 7", ["all", ...groups]);
    await Promise.all(userIds.slice(10).map((userId) => memberships.leave(userId, "all")));
    await assertMembers(memberships, "all", userIds.slice(0, 10));
  });
}
