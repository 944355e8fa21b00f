import assert from "node:assert/strict";
import type { ConnectionRecord } from "../../connections/registry.ts";
import { eventually } from "../tools/eventually.ts";
import { range } from "../tools/range.ts";
import {
  arrive,
  assertConnected,
  hourMs,
  idsOfNode,
  idsOfUser,
  noLimits,
  recordOf,
  stateAfter,
} from "./records.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** Tolerance: the clocks may differ a little, and count in whole milliseconds. */
const clockOffMs = 1_500;

/** A connection that arrives is found, up to the limit of its user. It replaces one that was not heard for too long. */
export function arrivalRules(rule: RuleDeclarer): void {
  rule("lists no connection and no node at first", async (registry) => {
    assert.deepEqual(await registry.ofUser("u"), []);
    assert.deepEqual(await registry.nodesOf(["u", "v"]), [[], []]);
    assert.deepEqual(await registry.nodesOf([]), []);
    assert.deepEqual(await registry.nodes(), []);
    assert.deepEqual(await registry.ofNode("n1", 10), []);
  });

  rule("distinguishes the first connection of a user from further ones, on any node", async (registry) => {
    const records = [recordOf("u", 1), recordOf("u", 2, "n2"), recordOf("u", 3)];
    assert.deepEqual(
      [await arrive(registry, records[0] as ConnectionRecord), await arrive(registry, recordOf("v", 4))],
      ["first", "first"],
    );
    for (const record of records.slice(1)) assert.equal(await arrive(registry, record), "further");
    await assertConnected(registry, "u", records);
  });

  rule("returns a connection as it was registered, with the time when it was seen", async (registry) => {
    const full: ConnectionRecord = {
      ...recordOf("u", 1),
      sid: 'a:b{c}\n漢字 🦆"',
      ip: "2001:db8::1",
      userAgent: "x".repeat(2_000),
      connectedAt: 1_234_567_890_123,
    };
    const { ip: _ip, userAgent: _userAgent, ...bare } = recordOf("u", 2);
    const before = Date.now();
    for (const record of [full, bare]) await arrive(registry, record);
    const found = (await registry.ofUser("u")).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const [at, { lastSeen, ...record }] of found.entries()) {
      assert.deepEqual(record, [full, bare][at]);
      const off = lastSeen - before;
      assert.ok(
        off >= -clockOffMs && off <= Date.now() - before + clockOffMs,
        `seen ${off} ms after arrival`,
      );
    }
    assert.equal(found.length, 2);
  });

  rule("registers a record with undefined fields", async (registry) => {
    await arrive(registry, { ...recordOf("u", 1), ip: undefined, userAgent: undefined });
    const [found] = await registry.ofUser("u");
    assert.equal(found?.ip, undefined);
    assert.equal(found?.userAgent, undefined);
  });

  rule("stores a copy of a record, and returns copies", async (registry) => {
    const record = { ...recordOf("u", 1) };
    await arrive(registry, record);
    record.userAgent = "spoilt";
    const [found] = await registry.ofUser("u");
    Object.assign(found as object, { userAgent: "spoilt", lastSeen: 0 });
    const [ofNode] = await registry.ofNode("n1", 1);
    Object.assign(ofNode as object, { userAgent: "spoilt", userId: "v" });
    (await registry.nodes()).length = 0;
    const [again] = await registry.ofUser("u");
    assert.equal(again?.userAgent, "agent 1");
    assert.ok((again?.lastSeen ?? 0) > 0);
    assert.deepEqual(
      (await registry.ofNode("n1", 1)).map(({ userId, userAgent }) => [userId, userAgent]),
      [["u", "agent 1"]],
    );
  });

  rule("answers a repeated arrival with further, and lists the connection once", async (registry) => {
    const record = recordOf("u", 1);
    await arrive(registry, record);
    for (let n = 0; n < 3; n++) {
      assert.equal(await registry.arrive(record, { ...noLimits, maxPerUser: 1 }), "further");
    }
    await assertConnected(registry, "u", [record]);
    assert.deepEqual(await idsOfNode(registry, "n1"), [record.id]);
    assert.equal(await stateAfter(registry, record), "offline");
  });

  rule("repeats its answer to an arrival with isAgain, until the connection is seen", async (registry) => {
    const again = { ...noLimits, isAgain: true };
    const [first, further, never] = [recordOf("u", 1), recordOf("u", 2, "n2"), recordOf("v", 3)];
    for (const record of [first, further]) await arrive(registry, record);
    for (let n = 0; n < 2; n++) {
      assert.equal(await registry.arrive(first, again), "first");
      assert.equal(await registry.arrive(further, again), "further");
    }
    await assertConnected(registry, "u", [first, further]);
    assert.equal(await registry.arrive(never, again), "first", "it had not arrived before");
    assert.equal(await stateAfter(registry, first), "present");
    assert.equal(await registry.arrive(first, again), "further", "it has gone and come back");
  });

  rule("refuses a connection beyond the user's limit, and does not list it", async (registry) => {
    const limits = { ...noLimits, maxPerUser: 2 };
    const records = [recordOf("u", 1), recordOf("u", 2, "n2")];
    for (const record of records) assert.notEqual(await registry.arrive(record, limits), "full");
    const refused = recordOf("u", 3, "n3");
    assert.equal(await registry.arrive(refused, limits), "full");
    await assertConnected(registry, "u", records);
    assert.deepEqual(await idsOfNode(registry, "n3"), []);
    assert.deepEqual((await registry.nodes()).sort(), ["n1", "n2"]);
    assert.deepEqual(await registry.saw([{ record: refused, agoMs: 0 }]), [refused]);
    assert.equal(await stateAfter(registry, refused), "present");
    assert.equal(await registry.arrive(recordOf("v", 4), { ...limits, maxPerUser: 1 }), "first");
  });

  rule("accepts another connection after one has departed", async (registry) => {
    const limits = { ...noLimits, maxPerUser: 2 };
    for (const count of [1, 2]) await registry.arrive(recordOf("u", count), limits);
    await registry.depart(recordOf("u", 1), 0);
    assert.equal(await registry.arrive(recordOf("u", 3), limits), "further");
    assert.equal(await registry.arrive(recordOf("u", 4), limits), "full");
    await assertConnected(registry, "u", [recordOf("u", 2), recordOf("u", 3)]);
  });

  rule("registers 7 of 30 connections that arrive at the same time when the limit is 7", async (registry) => {
    const records = range(30).map((n) => recordOf("u", n, `n${n % 3}`));
    const arrivals = await Promise.all(
      records.map((record) => registry.arrive(record, { ...noLimits, maxPerUser: 7 })),
    );
    assert.equal(arrivals.filter((arrival) => arrival === "first").length, 1);
    assert.equal(arrivals.filter((arrival) => arrival === "further").length, 6);
    const registered = records.filter((_, at) => arrivals[at] !== "full");
    await assertConnected(registry, "u", registered);
    const ofNodes = await Promise.all(["n0", "n1", "n2"].map((nodeId) => idsOfNode(registry, nodeId)));
    assert.deepEqual(ofNodes.flat().sort(), registered.map(({ id }) => id).sort());
  });

  rule("sweeps a connection that was not heard for too long when its user connects", async (registry) => {
    const limits = { maxPerUser: 1, expireAfterMs: 60 };
    const [dead, next] = [recordOf("u", 1), recordOf("u", 2, "n2")];
    await registry.arrive(dead, limits);
    await eventually(async () => assert.equal(await registry.arrive(next, limits), "further"));
    await assertConnected(registry, "u", [next]);
    assert.deepEqual(await registry.saw([{ record: dead, agoMs: 0 }]), [dead]);
    assert.deepEqual(await idsOfNode(registry, "n1"), [dead.id], "its node had it");
  });

  rule(
    "a sweep takes no user offline, and a swept connection that departs does not either",
    async (registry) => {
      const limits = { maxPerUser: 1, expireAfterMs: 60 };
      const [dead, next] = [recordOf("u", 1), recordOf("u", 2)];
      await registry.arrive(dead, limits);
      await eventually(async () => assert.equal(await registry.arrive(next, limits), "further"));
      assert.equal(await stateAfter(registry, dead), "present");
      await assertConnected(registry, "u", [next]);
      assert.equal(await stateAfter(registry, next), "offline");
      assert.notEqual(await stateAfter(registry, dead), "offline");
    },
  );

  rule("sweeps no connection early, and none of another user", async (registry) => {
    const own = recordOf("u", 1);
    await arrive(registry, own);
    const swept = { maxPerUser: 1, expireAfterMs: 60 };
    await registry.arrive(recordOf("v", 2), swept);
    await eventually(async () => assert.equal(await registry.arrive(recordOf("v", 3), swept), "further"));
    await assertConnected(registry, "u", [own]);
    const limits = { maxPerUser: 1, expireAfterMs: hourMs };
    assert.equal(await registry.arrive(recordOf("u", 4), limits), "full");
    await assertConnected(registry, "u", [own]);
  });

  rule("counts the age of a connection from when it was last seen or arrived again", async (registry) => {
    const lifeMs = 1_000;
    const limits = { maxPerUser: 2, expireAfterMs: lifeMs };
    for (let attempt = 1; ; attempt++) {
      const record = (count: number) => recordOf(`u${attempt}`, count, `n${attempt}`);
      const [seen, back, dead] = [record(1), record(2), record(3)];
      for (const each of [seen, back, dead]) await arrive(registry, each);
      const arrivedAt = Date.now();
      await eventually(() => assert.ok(Date.now() > arrivedAt + lifeMs + 200, "too young"));
      const heardAt = Date.now();
      await registry.saw([{ record: seen, agoMs: 0 }]);
      await registry.arrive(back, { ...limits, expireAfterMs: hourMs });
      const arrival = await registry.arrive(record(4), limits);
      const found = await idsOfUser(registry, seen.userId);
      // The connections may have expired if this process stood still. The test is then repeated with other connections.
      if (Date.now() - heardAt > lifeMs - 100 && attempt < 3) continue;
      assert.equal(arrival, "full");
      assert.deepEqual(found, [seen.id, back.id]);
      return;
    }
  });
}
