import assert from "node:assert/strict";
import { range } from "../tools/range.ts";
import { assertGroups, assertMembers, noLimit } from "./group-rules.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** A user is a member from joining until leaving. */
export function joiningRules(rule: RuleDeclarer): void {
  rule("lists no members and no groups at first", async (memberships) => {
    await assertGroups(memberships, "u", []);
    await assertMembers(memberships, "g", []);
    assert.equal(await memberships.leave("u", "g"), false);
    await assertGroups(memberships, "u", []);
    await assertMembers(memberships, "g", []);
  });

  rule("lists a user who has joined, by the user and by the group", async (memberships) => {
    assert.equal(await memberships.join("u", "g", noLimit), "joined");
    assert.equal(await memberships.join("u", "h", noLimit), "joined");
    assert.equal(await memberships.join("v", "g", noLimit), "joined");
    await assertGroups(memberships, "u", ["g", "h"]);
    await assertGroups(memberships, "v", ["g"]);
    await assertMembers(memberships, "g", ["u", "v"]);
    await assertMembers(memberships, "h", ["u"]);
  });

  rule("tells whether a user is in a group", async (memberships) => {
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

  rule("lists a member once who joins again", async (memberships) => {
    await memberships.join("u", "g", noLimit);
    for (let n = 0; n < 3; n++) assert.equal(await memberships.join("u", "g", noLimit), "member");
    await assertGroups(memberships, "u", ["g"]);
    await assertMembers(memberships, "g", ["u"]);
    assert.equal(await memberships.leave("u", "g"), true);
    await assertGroups(memberships, "u", []);
  });

  rule(
    "does not list a user who has left, and tells once that the user was a member",
    async (memberships) => {
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
    },
  );

  rule("a user who has left can join again", async (memberships) => {
    for (let n = 0; n < 3; n++) {
      assert.equal(await memberships.join("u", "g", noLimit), "joined");
      await assertMembers(memberships, "g", ["u"]);
      assert.equal(await memberships.leave("u", "g"), true);
      await assertMembers(memberships, "g", []);
    }
    await assertGroups(memberships, "u", []);
  });

  rule("refuses a group beyond the limit, and does not list it", async (memberships) => {
    for (const group of ["a", "b"]) assert.equal(await memberships.join("u", group, 2), "joined");
    assert.equal(await memberships.join("u", "c", 2), "full");
    await assertGroups(memberships, "u", ["a", "b"]);
    await assertMembers(memberships, "c", []);
    assert.equal(await memberships.leave("u", "c"), false);
    assert.equal(await memberships.join("v", "c", 1), "joined");
    await assertMembers(memberships, "c", ["v"]);
  });

  rule("answers a member who joins again with member, even at the limit", async (memberships) => {
    for (const group of ["a", "b", "c"]) await memberships.join("u", group, noLimit);
    for (const limit of [3, 2, 1]) assert.equal(await memberships.join("u", "b", limit), "member");
    assert.equal(await memberships.join("u", "d", 2), "full");
    await assertGroups(memberships, "u", ["a", "b", "c"]);
  });

  rule("a user at the limit can join another group after leaving one", async (memberships) => {
    for (const group of ["a", "b"]) await memberships.join("u", group, 2);
    await memberships.leave("u", "a");
    assert.equal(await memberships.join("u", "c", 2), "joined");
    assert.equal(await memberships.join("u", "a", 2), "full");
    await assertGroups(memberships, "u", ["b", "c"]);
    await assertMembers(memberships, "a", []);
  });

  rule("returns copies that the caller may change", async (memberships) => {
    await memberships.join("u", "g", noLimit);
    (await memberships.groupsOf("u")).push("spoilt");
    (await memberships.members("g")).length = 0;
    await assertGroups(memberships, "u", ["g"]);
    await assertMembers(memberships, "g", ["u"]);
    await assertMembers(memberships, "spoilt", []);
  });

  rule("handles 5 000 users in one group, and one user in 1 000 groups", async (memberships) => {
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
