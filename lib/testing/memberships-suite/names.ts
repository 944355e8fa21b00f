import assert from "node:assert/strict";
import { oddStrings } from "../tools/odd-strings.ts";
import { assertGroups, assertMembers, noLimit } from "./group-rules.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** User ids and group names may be any well-formed strings of 1 to 256 UTF-16 code units, and are told apart. */
export function nameRules(rule: RuleDeclarer): void {
  rule("tells users apart whose ids have any characters", async (memberships) => {
    for (const [at, userId] of oddStrings.entries()) {
      assert.equal(await memberships.join(userId, `only ${at}`, noLimit), "joined", userId);
      assert.equal(await memberships.join(userId, "shared", noLimit), "joined", userId);
    }
    await assertMembers(memberships, "shared", oddStrings);
    for (const [at, userId] of oddStrings.entries()) {
      await assertGroups(memberships, userId, [`only ${at}`, "shared"], userId);
      const answers = oddStrings.map((other) => memberships.isMember(other, `only ${at}`));
      assert.deepEqual(
        await Promise.all(answers),
        oddStrings.map((other) => other === userId),
        userId,
      );
      await assertMembers(memberships, `only ${at}`, [userId]);
      assert.equal(await memberships.leave(userId, "shared"), true, userId);
      await assertMembers(memberships, "shared", oddStrings.slice(at + 1), userId);
    }
  });

  rule("tells groups apart whose names have any characters", async (memberships) => {
    for (const [at, group] of oddStrings.entries()) {
      assert.equal(await memberships.join("u", group, noLimit), "joined", group);
      assert.equal(await memberships.join(`only ${at}`, group, noLimit), "joined", group);
    }
    await assertGroups(memberships, "u", oddStrings);
    for (const [at, group] of oddStrings.entries()) {
      await assertMembers(memberships, group, ["u", `only ${at}`], group);
      assert.equal(await memberships.leave("u", group), true, group);
      const answers = oddStrings.map((other) => memberships.isMember("u", other));
      assert.deepEqual(
        await Promise.all(answers),
        oddStrings.map((_, other) => other > at),
        group,
      );
      await assertMembers(memberships, group, [`only ${at}`], group);
      await assertGroups(memberships, "u", oddStrings.slice(at + 1), group);
    }
  });

  rule("tells a user apart from a group of the same name", async (memberships) => {
    for (const name of oddStrings) await memberships.join(name, name, noLimit);
    for (const name of oddStrings) {
      await assertGroups(memberships, name, [name]);
      await assertMembers(memberships, name, [name]);
    }
  });
}
