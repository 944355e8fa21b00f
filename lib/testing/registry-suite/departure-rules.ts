import assert from "node:assert/strict";
import { eventually } from "../tools/eventually.ts";
import { range } from "../tools/range.ts";
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

const shortMs = 60;

/** A user goes offline once, with the last departure or after its grace. */
export function departureRules(rule: RuleDeclarer): void {
  rule("takes a user offline with the last connection, on whichever node", async (registry) => {
    const records = [recordOf("u", 1), recordOf("u", 2, "n2"), recordOf("u", 3)];
    for (const record of records) await arrive(registry, record);
    const [first, second, third] = records as [(typeof records)[0], (typeof records)[0], (typeof records)[0]];
    assert.equal(await stateAfter(registry, second), "present");
    await assertConnected(registry, "u", [first, third]);
    assert.equal(await stateAfter(registry, first), "present");
    assert.equal(await stateAfter(registry, third), "offline");
    await assertConnected(registry, "u", []);
  });

  rule("a user comes online again after going offline", async (registry) => {
    for (const count of range(5)) {
      assert.equal(await arrive(registry, recordOf("u", count)), "first");
      assert.equal(await stateAfter(registry, recordOf("u", count)), "offline");
    }
  });

  rule("ignores a repeated departure", async (registry) => {
    const [gone, stays] = [recordOf("u", 1), recordOf("u", 2)];
    for (const record of [gone, stays]) await arrive(registry, record);
    for (let n = 0; n < 3; n++) assert.equal(await stateAfter(registry, gone), "present");
    await assertConnected(registry, "u", [stays]);
    assert.equal(await stateAfter(registry, stays), "offline");
    for (const record of [gone, stays, gone]) assert.notEqual(await stateAfter(registry, record), "offline");
    assert.notEqual((await registry.depart(stays, hourMs)).state, "leaving");
    assert.equal(await arrive(registry, recordOf("u", 3)), "first");
  });

  rule("ignores the departure of a connection that never arrived", async (registry) => {
    assert.notEqual(await stateAfter(registry, recordOf("u", 1)), "offline");
    assert.notEqual((await registry.depart(recordOf("u", 1), hourMs)).state, "leaving");
    const stays = recordOf("u", 2);
    assert.equal(await arrive(registry, stays), "first");
    assert.equal(await stateAfter(registry, recordOf("u", 3)), "present");
    assert.equal((await registry.depart(recordOf("u", 3), hourMs)).state, "present");
    await assertConnected(registry, "u", [stays]);
  });

  rule(
    "a user is leaving for the grace of the departure, and has no connections meanwhile",
    async (registry) => {
      await arrive(registry, recordOf("u", 1));
      const forMs = await assertLeaving(registry, recordOf("u", 1), hourMs);
      assert.ok(forMs > hourMs - 10_000 && forMs <= hourMs, `leaving for ${forMs} ms`);
      await assertConnected(registry, "u", []);
    },
  );

  rule("a user is online until going offline, also while leaving", async (registry) => {
    const users = ["nobody", "u", "v", "u"];
    assert.deepEqual(await registry.online(users), [false, false, false, false]);
    assert.deepEqual(await registry.online([]), []);
    for (const [at, user] of ["u", "v"].entries()) await arrive(registry, recordOf(user, at));
    assert.deepEqual(await registry.online(users), [false, true, true, true]);
    await assertLeaving(registry, recordOf("u", 0), hourMs);
    assert.equal(await stateAfter(registry, recordOf("v", 1)), "offline");
    assert.deepEqual(await registry.online(users), [false, true, false, true]);
  });

  rule("a user is leaving only after the last connection has departed", async (registry) => {
    for (const count of [1, 2]) await arrive(registry, recordOf("u", count));
    assert.equal((await registry.depart(recordOf("u", 1), hourMs)).state, "present");
    await assertLeaving(registry, recordOf("u", 2), hourMs);
  });

  rule("a user stays online if another connection arrives while the user is leaving", async (registry) => {
    await arrive(registry, recordOf("u", 1));
    await assertLeaving(registry, recordOf("u", 1), hourMs);
    const back = recordOf("u", 2, "n2");
    assert.equal(await arrive(registry, back), "further");
    assert.equal(await stateAfter(registry, recordOf("u", 1)), "present");
    await assertConnected(registry, "u", [back]);
    assert.equal(await stateAfter(registry, back), "offline", "a grace that is over was kept");
  });

  rule("each departure begins its own grace", async (registry) => {
    await arrive(registry, recordOf("u", 1));
    await assertLeaving(registry, recordOf("u", 1), shortMs);
    await arrive(registry, recordOf("u", 2));
    const forMs = await assertLeaving(registry, recordOf("u", 2), hourMs);
    assert.ok(forMs > hourMs - 10_000, `leaving for ${forMs} ms`);
  });

  rule("a repeated departure does not change the grace", async (registry) => {
    await arrive(registry, recordOf("u", 1));
    await assertLeaving(registry, recordOf("u", 1), hourMs);
    const forMs = await assertLeaving(registry, recordOf("u", 1), 0);
    assert.ok(forMs > hourMs - 10_000, `leaving for ${forMs} ms more`);
    await arrive(registry, recordOf("v", 2));
    await assertLeaving(registry, recordOf("v", 2), hourMs / 2);
    const left = await assertLeaving(registry, recordOf("v", 2), hourMs);
    assert.ok(left <= hourMs / 2, `leaving for ${left} ms more`);
  });

  rule(
    "takes a user offline with a departure that is repeated after the grace, and not before",
    async (registry) => {
      const graceMs = 300;
      await arrive(registry, recordOf("u", 1));
      const departedAt = Date.now();
      await assertLeaving(registry, recordOf("u", 1), graceMs);
      await eventually(async () => assert.equal(await stateAfter(registry, recordOf("u", 1)), "offline"));
      const leftForMs = Date.now() - departedAt;
      assert.ok(leftForMs >= graceMs - 2, `left for ${leftForMs} ms`);
      assert.notEqual(await stateAfter(registry, recordOf("u", 1)), "offline");
      assert.equal(await arrive(registry, recordOf("u", 2)), "first");
    },
  );

  rule(
    "tells how long to wait, and takes the user offline with a departure after that time",
    async (registry) => {
      await arrive(registry, recordOf("u", 1));
      let forMs = await assertLeaving(registry, recordOf("u", 1), shortMs);
      for (let asked = 0; forMs > 0; asked++) {
        assert.ok(asked < 3, `still leaving for ${forMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, forMs));
        const departure = await registry.depart(recordOf("u", 1), shortMs);
        if (departure.state === "offline") return;
        assert.ok(departure.state === "leaving", departure.state);
        forMs = departure.forMs;
      }
    },
  );

  rule("tells one of several callers after the grace that the user went offline", async (registry) => {
    for (const seed of range(20)) {
      const record = recordOf(`user ${seed}`, seed);
      await arrive(registry, record);
      await assertLeaving(registry, record, 5);
      let offline = 0;
      await eventually(async () => {
        const asked = await Promise.all(range(5).map(() => stateAfter(registry, record)));
        offline += asked.filter((state) => state === "offline").length;
        assert.ok(offline > 0, "still leaving");
      });
      assert.equal(offline, 1);
    }
  });

  rule(
    "a user stays online who connects after the grace and before the departure is repeated",
    async (registry) => {
      const [gone, back, probe] = [recordOf("u", 1), recordOf("u", 2), recordOf("v", 3)];
      for (const record of [gone, probe]) await arrive(registry, record);
      await assertLeaving(registry, gone, shortMs);
      await assertLeaving(registry, probe, 2 * shortMs);
      await eventually(async () => assert.equal(await stateAfter(registry, probe), "offline"));
      assert.equal(await arrive(registry, back), "further");
      assert.equal(await stateAfter(registry, gone), "present");
      assert.equal(await stateAfter(registry, back), "offline");
    },
  );

  rule("a departure keeps the node's record until it is forgotten", async (registry) => {
    const record = recordOf("u", 1);
    await arrive(registry, record);
    await registry.depart(record, 0);
    await registry.depart(record, 0);
    assert.deepEqual(await idsOfNode(registry, "n1"), [record.id]);
    assert.deepEqual(await registry.nodes(), ["n1"]);
  });
}
