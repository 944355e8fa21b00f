import assert from "node:assert/strict";
import type { Registry } from "../../connections/registry.ts";
import { range } from "../tools/range.ts";
import { arrive, assertConnected, idsOfNode, recordOf } from "./records.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** The connections of a node are found by the id of the node until they are forgotten. Other nodes can clear them. */
export function nodeRules(rule: RuleDeclarer): void {
  rule("lists the connections of each node, of all users", async (registry) => {
    const records = range(12).map((n) => recordOf(`user ${n % 4}`, n, `n${n % 3}`));
    await Promise.all(records.map((record) => arrive(registry, record)));
    assert.deepEqual((await registry.nodes()).sort(), ["n0", "n1", "n2"]);
    for (const nodeId of ["n0", "n1", "n2"]) {
      const found = (await registry.ofNode(nodeId, 100)).sort(byId);
      assert.deepEqual(found, records.filter(({ id }) => id.startsWith(`${nodeId}:`)).sort(byId));
    }
  });

  rule("returns at most the given number of a node's connections, each once", async (registry) => {
    const records = range(20).map((n) => recordOf(`user ${n}`, n));
    await Promise.all(records.map((record) => arrive(registry, record)));
    const ids = records.map(({ id }) => id).sort();
    for (const count of [1, 7, 19]) {
      const found = (await registry.ofNode("n1", count)).map(({ id }) => id);
      assert.ok(found.length >= 1 && found.length <= count, `${found.length} of ${count}`);
      assert.equal(new Set(found).size, found.length);
      assert.ok(found.every((id) => ids.includes(id)));
    }
    for (const count of [20, 21, 1_000]) {
      const found = (await registry.ofNode("n1", count)).map(({ id }) => id).sort();
      assert.deepEqual(found, ids);
    }
  });

  rule("several callers can clear a dead node batch by batch at the same time", async (registry) => {
    const records = range(60).map((n) => recordOf(`user ${n % 20}`, n));
    await Promise.all(records.map((record) => arrive(registry, record)));
    const offline: string[] = [];
    async function clear(): Promise<void> {
      for (let found = await registry.ofNode("n1", 10); found.length > 0; ) {
        for (const record of found) {
          if ((await registry.depart(record, 0)).state === "offline") offline.push(record.userId);
        }
        await registry.forget(
          "n1",
          found.map(({ id }) => id),
        );
        found = await registry.ofNode("n1", 10);
      }
    }
    await Promise.all(range(3).map(clear));
    const userIds = range(20).map((n) => `user ${n}`);
    assert.deepEqual(offline.sort(), userIds.sort(), "each user goes offline once");
    for (const userId of userIds) await assertConnected(registry, userId, []);
    await assertForgotten(registry, "n1");
  });

  rule("forgets exactly the given connections, also when it is repeated", async (registry) => {
    const records = range(4).map((n) => recordOf("u", n));
    const other = recordOf("u", 9, "n2");
    for (const record of [...records, other]) await arrive(registry, record);
    const ids = Object.freeze([recordOf("u", 1).id, recordOf("u", 2).id, "n1:never"]);
    for (const record of records.slice(1, 3)) await registry.depart(record, 0);
    for (let n = 0; n < 2; n++) await registry.forget("n1", ids);
    await registry.forget("n1", []);
    await registry.forget("never", ids);
    await registry.forget("n2", ids);
    assert.deepEqual(await idsOfNode(registry, "n1"), [recordOf("u", 0).id, recordOf("u", 3).id]);
    assert.deepEqual(await idsOfNode(registry, "n2"), [other.id]);
    await assertConnected(registry, "u", [recordOf("u", 0), recordOf("u", 3), other]);
  });

  rule("does not list a node without connections, until the node registers one", async (registry) => {
    for (const nodeId of ["n1", "n2"]) await arrive(registry, recordOf("u", 1, nodeId));
    for (let n = 0; n < 3; n++) {
      const record = recordOf("u", 1, "n1");
      await registry.depart(record, 0);
      await registry.forget("n1", [record.id]);
      await assertForgotten(registry, "n1");
      assert.deepEqual(await registry.nodes(), ["n2"]);
      await arrive(registry, record);
      assert.deepEqual((await registry.nodes()).sort(), ["n1", "n2"]);
      assert.deepEqual(await idsOfNode(registry, "n1"), [record.id]);
    }
  });

  rule("lists a node that registers a connection while another caller finds none", async (registry) => {
    for (const n of range(50)) {
      const record = recordOf(`user ${n}`, n, `node ${n}`);
      const look = () => registry.ofNode(`node ${n}`, 10);
      await Promise.all([look(), arrive(registry, record), look(), look()]);
      assert.deepEqual(await idsOfNode(registry, `node ${n}`), [record.id]);
      assert.ok((await registry.nodes()).includes(`node ${n}`), `node ${n} is not named`);
    }
  });

  rule("returns the nodes of many users in the order of the users, each node once", async (registry) => {
    await arrive(registry, recordOf("u", 1, "n1"));
    await arrive(registry, recordOf("u", 2, "n1"));
    await arrive(registry, recordOf("u", 3, "n2"));
    await arrive(registry, recordOf("v", 4, "n:3"));
    await arrive(registry, recordOf("gone", 5, "n1"));
    await registry.depart(recordOf("gone", 5, "n1"), 60_000);
    const found = await registry.nodesOf(["v", "nobody", "u", "gone", "v"]);
    assert.deepEqual(
      found.map((nodeIds) => nodeIds.sort()),
      [["n:3"], [], ["n1", "n2"], [], ["n:3"]],
    );
    const many = range(500).map((n) => `user ${n}`);
    assert.deepEqual(await registry.nodesOf([...many, "v"]), [...many.map(() => []), ["n:3"]]);
  });
}

async function assertForgotten(registry: Registry, nodeId: string): Promise<void> {
  assert.deepEqual(await registry.ofNode(nodeId, 10), []);
  const nodeIds = await registry.nodes();
  assert.ok(!nodeIds.includes(nodeId), `${nodeId} is still named`);
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
