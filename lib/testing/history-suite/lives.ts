import assert from "node:assert/strict";
import type { Position } from "../../history/history.ts";
import { eventually } from "../tools/eventually.ts";
import { range } from "../tools/range.ts";
import { appendAll, assertEmpty, assertNamed, many, named, readAll } from "./pages.ts";
import type { HistorySubject, RuleDeclarer } from "./suite-options.ts";

async function positionOf({ other }: HistorySubject, channel: string): Promise<Position> {
  const [position] = await other.positions([channel]);
  return position as Position;
}

/** The position outlives the messages. A channel whose history was lost begins a new life. */
export function lifeRules(rule: RuleDeclarer): void {
  rule("tells the positions of channels in their order, also of new ones and twice", async (subject) => {
    const { history, other } = subject;
    const b = await appendAll(history, "b", named(1, 3));
    const d = await appendAll(history, "d", named(1, 1));
    const [first, ...rest] = await other.positions(["a", "b", "c", "d", "b"]);
    assert.equal(first?.offset, 0);
    assert.deepEqual(rest[0], { epoch: b, offset: 3 });
    assert.equal(rest[1]?.offset, 0);
    assert.deepEqual(rest[2], { epoch: d, offset: 1 });
    assert.deepEqual(rest[3], rest[0]);
    assert.equal(new Set([first, ...rest].map((position) => position?.epoch)).size, 4);
    assert.deepEqual(await history.positions([]), []);
  });

  rule("tells the positions of 2 000 channels", async ({ history, other }) => {
    const channels = range(2_000).map((n) => `channel ${n}`);
    await Promise.all(channels.slice(0, 1_000).map((channel) => history.append(channel, "m1", many)));
    const positions = await other.positions(channels);
    assert.deepEqual(
      positions.map(({ offset }) => offset),
      channels.map((_, n) => (n < 1_000 ? 1 : 0)),
    );
    assert.equal(new Set(positions.map(({ epoch }) => epoch)).size, 2_000);
    assert.deepEqual(await history.positions(channels), positions);
  });

  rule("begins one life, whoever looks first and however many do", async ({ nodes }) => {
    for (const n of range(20)) {
      const channel = `channel ${n}`;
      const looks = nodes.flatMap(({ history }, node) => [
        history.positions([channel]).then(([position]) => position),
        readAll(history, channel).then(({ position }) => position),
        history.enter(channel, `user ${node}`, 60),
        history.append(channel, "m", many),
      ]);
      const epochs = new Set((await Promise.all(looks)).map((position) => position?.epoch));
      assert.equal(epochs.size, 1, channel);
    }
  });

  rule("keeps the position when the messages are forgotten", async (subject) => {
    const { history, other } = subject;
    const epoch = await appendAll(history, "a", named(1, 5));
    await history.forget("a");
    const page = await readAll(other, "a");
    assertEmpty(page);
    assert.deepEqual(page.position, { epoch, offset: 5 });
    assert.deepEqual(await positionOf(subject, "a"), { epoch, offset: 5 });
    assert.deepEqual(await other.append("a", "m6", many), { epoch, offset: 6 });
    assertNamed(await readAll(history, "a"), 6, 6);
    await history.forget("never used");
    assert.equal((await positionOf(subject, "never used")).offset, 0);
  });

  rule("keeps the position when the messages are too old", async (subject) => {
    const { history, other } = subject;
    const limits = { maxMessages: 100, maxAgeSeconds: 1 };
    const epoch = await appendAll(history, "a", named(1, 5), limits);
    await eventually(async () => assertEmpty(await readAll(history, "a", limits)));
    assert.deepEqual(await positionOf(subject, "a"), { epoch, offset: 5 });
    assert.deepEqual(await other.append("a", "m6", limits), { epoch, offset: 6 });
    assertNamed(await readAll(history, "a", limits), 6, 6);
  });

  rule(
    "begins a new life when asked to in the present one, with its messages and offsets",
    async (subject) => {
      const { history, other } = subject;
      const epoch = await appendAll(history, "a", named(1, 3));
      const renewed = await other.renew("a", epoch);
      assert.notEqual(renewed.epoch, epoch);
      assert.equal(renewed.offset, 3);
      assert.deepEqual(await positionOf(subject, "a"), renewed);
      const page = await readAll(history, "a");
      assertNamed(page, 1, 3);
      assert.deepEqual(page.position, renewed);
      assert.deepEqual(await history.append("a", "m4", many), { epoch: renewed.epoch, offset: 4 });
    },
  );

  rule("stays in its life when asked to end another one", async (subject) => {
    const { history, other } = subject;
    const epoch = await appendAll(history, "a", named(1, 3));
    for (const wrong of ["", "another", `${epoch}x`, epoch.slice(1)])
      assert.deepEqual(await other.renew("a", wrong), { epoch, offset: 3 });
    const { epoch: next } = await history.renew("a", epoch);
    assert.deepEqual(await other.renew("a", epoch), { epoch: next, offset: 3 });
    assert.equal((await other.renew("never used", epoch)).offset, 0);
  });

  rule("begins one new life, however many ask for it at once", async ({ nodes, history }) => {
    for (const n of range(20)) {
      const epoch = await appendAll(history, `channel ${n}`, named(1, 2));
      const renewed = await Promise.all(
        range(10).map((each) => nodes[each % 2]?.history.renew(`channel ${n}`, epoch)),
      );
      const epochs = new Set(renewed.map((position) => position?.epoch));
      assert.equal(epochs.size, 1);
      assert.ok(!epochs.has(epoch));
    }
  });

  rule.deviable("loss", "begins a new life at 0 when everything was lost", async (subject) => {
    const { history, other, lose } = subject;
    const known = new Set<string>();
    const looks: readonly ((channel: string) => Promise<Position>)[] = [
      (channel) => positionOf(subject, channel),
      async (channel) => (await readAll(history, channel)).position,
      (channel) => other.enter(channel, "u", 60),
      (channel) => other.renew(channel, "another"),
    ];
    for (const [n, look] of looks.entries()) {
      known.add(await appendAll(history, `channel ${n}`, named(1, 5)));
      await history.enter(`channel ${n}`, "reader", 60);
      await lose();
      const position = await look(`channel ${n}`);
      assert.equal(position.offset, 0);
      assert.ok(!known.has(position.epoch));
      assert.deepEqual(await history.append(`channel ${n}`, "m1", many), { ...position, offset: 1 });
      const page = await readAll(other, `channel ${n}`, { reader: "reader" });
      assertNamed(page, 1, 1);
    }
    await lose();
    const { epoch, offset } = await history.append("channel 0", "m1", many);
    assert.equal(offset, 1);
    assert.ok(!known.has(epoch));
  });
}
