import assert from "node:assert/strict";
import { eventually } from "../tools/eventually.ts";
import { untilLive } from "./bus-inbox.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const longMs = 60_000;
const shortMs = 60;

const oddIds = ["a", "A", "a:b", "{a}", "a b", "a\nb", "漢字 🦆", "__proto__", "0", "-inf", "x".repeat(200)];

/** A node is alive while it renews its lease. */
export function leaseRules(rule: RuleDeclarer): void {
  rule(
    "lists no node at first, and drops the lease of an unknown node without an error",
    async ({ buses }) => {
      assert.deepEqual(await buses[0].liveNodes(), []);
      await buses[0].dropLease("never");
      assert.deepEqual(await buses[0].liveNodes(), []);
    },
  );

  rule("tells every node which nodes are alive", async ({ buses }) => {
    await Promise.all(buses.map((bus, n) => bus.renewLease(`node ${n}`, longMs)));
    for (const bus of buses) {
      assert.deepEqual((await bus.liveNodes()).sort(), ["node 0", "node 1", "node 2"]);
    }
  });

  rule("lists a node once, however often it renews its lease", async ({ buses }) => {
    for (let n = 0; n < 10; n++) await buses[0].renewLease("a", longMs);
    assert.deepEqual(await buses[1].liveNodes(), ["a"]);
  });

  rule("does not list a node that has dropped its lease, until the node renews it", async ({ buses }) => {
    await buses[0].renewLease("a", longMs);
    await buses[1].renewLease("b", longMs);
    await buses[0].dropLease("a");
    await buses[0].dropLease("a");
    for (const bus of buses) assert.deepEqual(await bus.liveNodes(), ["b"]);
    await buses[0].renewLease("a", longMs);
    for (const bus of buses) assert.deepEqual((await bus.liveNodes()).sort(), ["a", "b"]);
  });

  rule("does not list a node whose lease has run out, and still lists the live nodes", async ({ buses }) => {
    await buses[0].renewLease("long", longMs);
    await buses[1].renewLease("short", shortMs);
    await untilLive(buses[2], ["long"]);
    for (const bus of buses) assert.deepEqual(await bus.liveNodes(), ["long"]);
  });

  rule("lists a node for at least the time of its lease", async ({ buses }) => {
    const leaseMs = 300;
    const renewedAt = Date.now();
    await buses[0].renewLease("a", leaseMs);
    await untilLive(buses[1], []);
    const lived = Date.now() - renewedAt;
    assert.ok(lived >= leaseMs - 2, `lived for ${lived} ms`);
  });

  rule("lists a node that renews its lease beyond the end of its first one", async ({ buses }) => {
    await buses[0].renewLease("renewing", shortMs);
    await buses[0].renewLease("renewing", longMs);
    await buses[1].renewLease("dying", 2 * shortMs);
    await untilLive(buses[2], ["renewing"]);
  });

  rule("lists a node again that renews its lease after the lease has run out", async ({ buses }) => {
    await buses[0].renewLease("a", shortMs);
    await untilLive(buses[1], []);
    await buses[0].renewLease("a", longMs);
    assert.deepEqual(await buses[1].liveNodes(), ["a"]);
  });

  rule("replaces a lease by the latest one, even if that is shorter", async ({ buses }) => {
    await buses[0].renewLease("a", longMs);
    await buses[0].renewLease("a", shortMs);
    await untilLive(buses[1], []);
  });

  rule("keeps a long lease while other nodes renew short ones", async ({ buses }) => {
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

  rule("handles 200 nodes that come and go at the same time", async ({ buses }) => {
    const ids = Array.from({ length: 200 }, (_, n) => `node ${n}`);
    await Promise.all(ids.map((id, n) => buses[n % 3]?.renewLease(id, n % 2 ? longMs : shortMs)));
    await eventually(async () => assert.equal((await buses[0].liveNodes()).length, 100));
    await Promise.all(ids.map((id) => buses[0].dropLease(id)));
    assert.deepEqual(await buses[1].liveNodes(), []);
  });
}
