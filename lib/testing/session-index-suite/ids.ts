import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import { halves, oddStrings } from "../tools/odd-strings.ts";
import { assertEntered, minuteMs, revoked } from "./index-state.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** User ids and session ids may be any strings. Different strings are told apart. */
export function idRules(rule: RuleDeclarer): void {
  rule("tells users apart whose ids have any characters", (index) => assertApart(index, oddStrings));

  rule("tells users apart whose ids have lone surrogates, or refuses them", async (index) => {
    const refusals = await Promise.allSettled(halves.map((userId) => index.enter(userId, "a", minuteMs)));
    const taken = halves.filter((_, at) => refusals[at]?.status === "fulfilled");
    for (const userId of taken) await index.remove(userId, ["a"]);
    await assertApart(index, taken);
  });

  rule("tells the sessions of a user apart whose ids have any characters", async (index) => {
    for (const sid of oddStrings) await index.enter("u", sid, minuteMs);
    await assertEntered(index, "u", oddStrings);
    for (const [at, sid] of oddStrings.entries()) {
      await index.extend("u", sid, 2 * minuteMs);
      assert.equal(await index.revokeOne("u", sid), true, sid);
      assert.equal(await index.confirm("u", sid), false, sid);
      await assertEntered(index, "u", oddStrings.slice(at + 1));
    }
    assert.deepEqual(await revoked(index, "u"), [...oddStrings].sort());
    for (const sid of oddStrings) {
      await index.remove("u", [sid]);
      assert.equal(await index.revokeOne("u", sid), false, sid);
    }
  });

  rule("keeps an excepted session whose id has any characters", async (index) => {
    for (const sid of oddStrings) {
      await index.enter("u", sid, minuteMs);
      await index.enter("u", `${sid}+`, minuteMs);
      assert.deepEqual(await revoked(index, "u", sid), [`${sid}+`]);
      await assertEntered(index, "u", [sid]);
      await index.remove("u", [sid, `${sid}+`]);
    }
  });
}

async function assertApart(index: SessionIndex, userIds: readonly string[]): Promise<void> {
  for (const [at, userId] of userIds.entries()) {
    await index.enter(userId, `only ${at}`, minuteMs);
    await index.enter(userId, "shared", minuteMs);
  }
  for (const [at, userId] of userIds.entries()) await assertEntered(index, userId, [`only ${at}`, "shared"]);
  for (const [at, userId] of userIds.entries()) {
    assert.deepEqual(await revoked(index, userId), [`only ${at}`, "shared"].sort());
    await index.remove(userId, ["shared"]);
    for (const other of userIds.slice(at + 1)) {
      assert.equal(await index.confirm(other, "shared"), true, `${userId} and ${other}`);
    }
  }
}
