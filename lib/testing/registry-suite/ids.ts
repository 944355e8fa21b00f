import assert from "node:assert/strict";
import { oddStrings } from "../tools/odd-strings.ts";
import {
  arrive,
  assertConnected,
  assertLeaving,
  hourMs,
  idsOfNode,
  recordOf,
  stateAfter,
} from "./records.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const userIds = ["", ...oddStrings];

/** User ids may be any strings, and different strings are different users. */
export function idRules(rule: RuleDeclarer): void {
  rule("tells users apart whose ids have any characters", async (registry) => {
    const records = userIds.map((userId, at) => recordOf(userId, at, `n${at % 3}`));
    for (const record of records) assert.equal(await arrive(registry, record), "first", record.userId);
    for (const record of records) {
      const [found] = await registry.ofUser(record.userId);
      assert.equal(found?.userId, record.userId);
      await assertConnected(registry, record.userId, [record]);
    }
    const nodes = await registry.nodesOf(userIds);
    assert.deepEqual(
      nodes,
      userIds.map((_, at) => [`n${at % 3}`]),
    );
    for (const [at, record] of records.entries()) {
      assert.equal(await stateAfter(registry, record), "offline", record.userId);
      const others = records.slice(at + 1).map((other) => registry.ofUser(other.userId));
      for (const found of await Promise.all(others)) assert.equal(found.length, 1, record.userId);
    }
  });

  rule("users leave and come back whose ids have any characters", async (registry) => {
    for (const [at, userId] of userIds.entries()) {
      await arrive(registry, recordOf(userId, at));
      await assertLeaving(registry, recordOf(userId, at), hourMs);
    }
    for (const [at, userId] of userIds.entries()) {
      const record = recordOf(userId, at);
      assert.deepEqual(await registry.saw([{ record, agoMs: 0 }]), [record], userId);
      assert.equal(await arrive(registry, record), "further", userId);
    }
  });

  rule("returns records unchanged whose session ids have any characters", async (registry) => {
    const records = oddStrings.map((sid, at) => ({ ...recordOf("u", at), sid }));
    await Promise.all(records.map((record) => arrive(registry, record)));
    const sids = (await registry.ofUser("u")).map(({ sid }) => sid);
    assert.deepEqual(sids.sort(), [...oddStrings].sort());
    assert.equal((await idsOfNode(registry, "n1")).length, oddStrings.length);
  });
}
