import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index.ts";
import { assertEntered, minuteMs, revoked } from "./index-state.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const oddIds = [
  "a",
  "A",
  "a:",
  ":a",
  "a:sessions",
  "a:sessions:",
  "sessions",
  "user:a:sessions",
  "user:a",
  "a:connections",
  "{a}",
  "{a",
  "a}",
  "{}",
  "{}a",
  "{a}:sessions",
  "{a}{b}",
  "a b",
  "a  b",
  " a",
  "a ",
  " ",
  "a\n",
  "a\r\nb",
  "a\tb",
  "\u0000",
  "a\u0000",
  "a\u0000b",
  "*",
  "a*",
  "[a]",
  "a?",
  "\\a",
  "'a\"",
  "é",
  "e\u0301",
  "漢字 🦆",
  "漢字 🦅",
  "\u202ea",
  "__proto__",
  "constructor",
  "inf",
  "-inf",
  "nan",
  "0",
  "-1",
  "1e3",
  "NX",
  "only",
  "except",
  "x".repeat(199),
  "x".repeat(200),
  "漢".repeat(200),
];

/** Halves of characters: strings to JavaScript, and all the same to whoever writes them as UTF-8. */
const halves = ["\ud83e", "\ud83f", "\udd86", "a\ud83e", "a\ud83f", "\ufffd"];

/** User ids and session ids are any strings, and no two are one. */
export function idRules(rule: RuleDeclarer): void {
  rule("keeps users apart with ids of any characters", (index) => assertApart(index, oddIds));

  rule("keeps users apart whose ids are no whole characters, or refuses them", async (index) => {
    const refusals = await Promise.allSettled(halves.map((userId) => index.enter(userId, "a", minuteMs)));
    const taken = halves.filter((_, at) => refusals[at]?.status === "fulfilled");
    for (const userId of taken) await index.remove(userId, ["a"]);
    await assertApart(index, taken);
  });

  rule("keeps the sessions of a user apart with ids of any characters", async (index) => {
    for (const sid of oddIds) await index.enter("u", sid, minuteMs);
    await assertEntered(index, "u", oddIds);
    for (const [at, sid] of oddIds.entries()) {
      await index.extend("u", sid, 2 * minuteMs);
      assert.equal(await index.revokeOne("u", sid), true, sid);
      assert.equal(await index.confirm("u", sid), false, sid);
      await assertEntered(index, "u", oddIds.slice(at + 1));
    }
    assert.deepEqual(await revoked(index, "u"), [...oddIds].sort());
    for (const sid of oddIds) {
      await index.remove("u", [sid]);
      assert.equal(await index.revokeOne("u", sid), false, sid);
    }
  });

  rule("leaves an excepted session whose id has any characters", async (index) => {
    for (const sid of oddIds) {
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
