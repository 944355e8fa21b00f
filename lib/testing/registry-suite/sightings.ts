import assert from "node:assert/strict";
import type { Registry } from "../../connections/registry.ts";
import { eventually } from "../tools/eventually.ts";
import { range } from "../tools/range.ts";
import { arrive, assertConnected, assertLeaving, hourMs, recordOf, stateAfter } from "./records.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** `saw` records when users were heard, and returns the records that are not registered. It registers nothing. */
export function sightingRules(rule: RuleDeclarer): void {
  rule("returns nothing if all connections are registered or none is given", async (registry) => {
    const records = range(5).map((n) => recordOf(`user ${n % 3}`, n));
    for (const record of records) await arrive(registry, record);
    assert.deepEqual(await registry.saw([]), []);
    const before = Date.now();
    await eventually(() => assert.ok(Date.now() > before + 10, "within one moment"));
    assert.deepEqual(await registry.saw(records.map((record) => ({ record, agoMs: 0 }))), []);
  });

  rule("does not return a connection that another call saw at the same moment", async (registry) => {
    const record = recordOf("u", 1);
    await arrive(registry, record);
    for (let n = 0; n < 50; n++) {
      const sighting = { record, agoMs: 0 };
      assert.deepEqual(await Promise.all([registry.saw([sighting]), registry.saw([sighting])]), [[], []]);
    }
  });

  rule(
    "returns the records that are not registered, complete and in order, and registers none",
    async (registry) => {
      const [here, never, departed] = [recordOf("u", 1), recordOf("u", 2), recordOf("v", 3)];
      const noUser = recordOf("nobody", 4, "n9");
      for (const record of [here, departed]) await arrive(registry, record);
      await registry.depart(departed, 0);
      const before = Date.now();
      await eventually(() => assert.ok(Date.now() > before + 10, "within one moment"));
      const asked = [never, here, noUser, departed].map((record) => ({ record, agoMs: 0 }));
      assert.deepEqual(await registry.saw(asked), [never, noUser, departed]);
      await assertConnected(registry, "u", [here]);
      for (const userId of ["v", "nobody"]) await assertConnected(registry, userId, []);
      assert.deepEqual(await registry.ofNode("n9", 10), []);
      assert.equal(await arrive(registry, noUser), "first");
    },
  );

  rule("records how long ago each user was heard", async (registry) => {
    const agoMs = 50;
    const [now, ago] = [recordOf("u", 1), recordOf("u", 2)];
    for (const record of [now, ago]) await arrive(registry, record);
    const arrivedAt = Date.now();
    await eventually(() => assert.ok(Date.now() > arrivedAt + 2 * agoMs, "not so long ago"));
    const before = await lastSeen(registry, now.id);
    const sightings = [
      { record: now, agoMs: 0 },
      { record: ago, agoMs },
    ];
    await registry.saw(sightings);
    const apartMs = (await lastSeen(registry, now.id)) - (await lastSeen(registry, ago.id));
    assert.ok(Math.abs(apartMs - agoMs) <= 2, `heard ${apartMs} ms apart`);
    const laterMs = (await lastSeen(registry, now.id)) - before;
    assert.ok(laterMs >= agoMs, `heard ${laterMs} ms later`);
  });

  rule("does not keep a leaving user online", async (registry) => {
    const record = recordOf("u", 1);
    await arrive(registry, record);
    await assertLeaving(registry, record, 60);
    await eventually(async () => {
      assert.deepEqual(await registry.saw([{ record, agoMs: 0 }]), [record]);
      await assertConnected(registry, "u", []);
      assert.equal(await stateAfter(registry, record), "offline");
    });
  });

  rule("does not bring back a connection that departs at the same time", async (registry) => {
    await Promise.all(
      range(50).map(async (n) => {
        const record = recordOf(`user ${n}`, n);
        await arrive(registry, record);
        const see = () => registry.saw([{ record, agoMs: 0 }]);
        const [, { state }] = await Promise.all([see(), registry.depart(record, 0), see(), see()]);
        assert.equal(state, "offline");
        await assertConnected(registry, record.userId, []);
        assert.equal(await arrive(registry, record), "first");
        await assertLeaving(registry, record, hourMs);
      }),
    );
  });
}

async function lastSeen(registry: Registry, id: string): Promise<number> {
  const found = (await registry.ofUser("u")).find((connection) => connection.id === id);
  assert.ok(found, `${id} is not registered`);
  return found.lastSeen;
}
