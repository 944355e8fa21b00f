import assert from "node:assert/strict";
import { eventually } from "../tools/eventually.ts";
import { untilLive } from "./bus-inbox.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const longMs = 60_000;
const shortMs = 60;

const oddIds = ["a", "A", "a:b", "{a}", "a b", "a\nb", "漢字 🦆", "__proto__", "0", "-inf", "x".repeat(200)];

/** A node lives while it renews its lease. */
export function leaseRules(rule: RuleDeclarer): void {
  rule("knows of no node at first, and drops one that it does not know", async ({ buses }) => {
    assert.deepEqual(await buses[0].liveNodes(), []);
    await buses[0].dropLease("never");
    assert.deepEqual(await buses[0].liveNodes(), []);
  });

  rule("tells every node who lives", async ({ buses }) => {
    await Promise.all(buses.map((bus, n) => bus.renewLease(`node ${n}`, longMs)));
    for (const bus of buses) {
      assert.deepEqual((await bus.liveNodes()).sort(), ["node 0", "node 1", "node 2"]);
    }
  });

  rule("counts a node once that renews often", async ({ buses }) => {
    for (let n = 0; n < 10; n++) await buses[0].renewLease("a", longMs);
    assert.deepEqual(await buses[1].liveNodes(), ["a"]);
  });

  rule("has a node no more that drops its lease, and again when it renews", async ({ buses }) => {
    await buses[0].renewLease("a", longMs);
    await buses[1].renewLease("b", longMs);
    await buses[0].dropLease("a");
    await buses[0].dropLease("a");
    for (const bus of buses) assert.deepEqual(await bus.liveNodes(), ["b"]);
    await buses[0].renewLease("a", longMs);
    for (const bus of buses) assert.deepEqual((await bus.liveNodes()).sort(), ["a", "b"]);
  });

  rule("has a node no more whose lease has run out, and still those that live", async ({ buses }) => {
    await buses[0].renewLease("long", longMs);
    await buses[1].renewLease("short", shortMs);
    await untilLive(buses[2], ["long"]);
    for (const bus of buses) assert.deepEqual(await bus.liveNodes(), ["long"]);
  });

  rule("has a node for at least as long as it said", async ({ buses }) => {
    const leaseMs = 300;
    const renewedAt = Date.now();
    await buses[0].renewLease("a", leaseMs);
    await untilLive(buses[1], []);
    const lived = Date.now() - renewedAt;
    assert.ok(lived >= leaseMs - 2, `lived for ${lived} ms`);
  });

  rule("has a node that renews beyond its first lease", async ({ buses }) => {
    await buses[0].renewLease("renewing", shortMs);
    await buses[0].renewLease("renewing", longMs);
    await buses[1].renewLease("dying", 2 * shortMs);
    await untilLive(buses[2], ["renewing"]);
  });

  rule("has a node again that renews after its lease has run out", async ({ buses }) => {
    await buses[0].renewLease("a", shortMs);
    await untilLive(buses[1], []);
    await buses[0].renewLease("a", longMs);
    assert.deepEqual(await buses[1].liveNodes(), ["a"]);
  });

  rule("takes the last word, also if it is a shorter lease", async ({ buses }) => {
    await buses[0].renewLease("a", longMs);
    await buses[0].renewLease("a", shortMs);
    await untilLive(buses[1], []);
  });

  rule("keeps a long lease when others renew short ones", async ({ buses }) => {
    await buses[0].renewLease("long", longMs);
    for (let n = 0; n < 5; n++) await buses[1].renewLease("short", shortMs);
    await untilLive(buses[1], ["long"]);
    await buses[1].renewLease("short", shortMs);
    await untilLive(buses[2], ["long"]);
  });

  rule("tells nodes with odd ids apart", async ({ buses }) => {
    await Promise.all(oddIds.map((id) => buses[0].renewLease(id, longMs)));
    assert.deepEqual((await buses[1].liveNodes()).sort(), [...oddIds].sort());
    for (const [at, id] of oddIds.entries()) {
      await buses[1].dropLease(id);
      assert.deepEqual((await buses[2].liveNodes()).sort(), oddIds.slice(at + 1).sort());
    }
  });

  rule("takes 200 nodes that come and go at once", async ({ buses }) => {
    const ids = Array.from({ length: 200 }, (_, n) => `node ${n}`);
    await Promise.all(ids.map((id, n) => buses[n % 3]?.renewLease(id, n % 2 ? longMs : shortMs)));
    await eventually(async () => assert.equal((await buses[0].liveNodes()).length, 100));
    await Promise.all(ids.map((id) => buses[0].dropLease(id)));
    assert.deepEqual(await buses[1].liveNodes(), []);
  });
}
