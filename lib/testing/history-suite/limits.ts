import assert from "node:assert/strict";
import { eventually } from "../tools/eventually.ts";
import { appendAll, assertEmpty, assertNamed, many, named, readAll } from "./pages.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const second = { maxMessages: 1_000, maxAgeSeconds: 1 };

/** A channel keeps no message above the number, and none that is too old. */
export function limitRules(rule: RuleDeclarer): void {
  rule("keeps exactly as many messages as allowed, the last ones", async ({ history, other }) => {
    const limits = { ...many, maxMessages: 3 };
    for (let n = 1; n <= 10; n++) {
      await history.append("a", `m${n}`, limits);
      assertNamed(await readAll(other, "a"), Math.max(1, n - 2), n);
    }
  });

  rule("keeps one message if one is allowed", async ({ history }) => {
    for (let n = 1; n <= 3; n++) {
      await history.append("a", `m${n}`, { ...many, maxMessages: 1 });
      assertNamed(await readAll(history, "a"), n, n);
    }
  });

  rule("takes the number of the latest message, also if it is another one", async ({ history }) => {
    await appendAll(history, "a", named(1, 10));
    await history.append("a", "m11", { ...many, maxMessages: 4 });
    assertNamed(await readAll(history, "a"), 8, 11);
    await appendAll(history, "a", named(12, 20));
    assertNamed(await readAll(history, "a"), 8, 20);
  });

  rule("keeps exactly as many when two nodes append at once", async ({ nodes }) => {
    const limits = { ...many, maxMessages: 7 };
    await Promise.all(
      nodes.flatMap(({ history }) => named(1, 100).map((message) => history.append("a", message, limits))),
    );
    const { messages, position } = await readAll(nodes[0].history, "a");
    assert.equal(position.offset, 200);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [194, 195, 196, 197, 198, 199, 200],
    );
  });

  rule("has a message for as long as allowed, and not longer, without an append", async (subject) => {
    const { history, other } = subject;
    const [before] = await history.positions(["a"]);
    const appendedAt = Date.now();
    await appendAll(history, "a", named(1, 3), second);
    const range = { maxAgeSeconds: 1 };
    assertNamed(await readAll(other, "a", range), 1, 3);
    await eventually(async () => assertEmpty(await readAll(other, "a", range)));
    const lived = Date.now() - appendedAt;
    assert.ok(lived >= 998, `lived for ${lived} ms`);
    assert.deepEqual((await readAll(other, "a", range)).position, { epoch: before?.epoch, offset: 3 });
  });

  rule("drops what is too old while younger messages keep coming", async ({ history }) => {
    const range = { maxAgeSeconds: 1 };
    const times = [Number.POSITIVE_INFINITY];
    let newest = 0;
    await appendAll(history, "b", ["old"], many);
    for (const until = Date.now() + 2_500; Date.now() < until; ) {
      const asked = Date.now();
      const { messages } = await readAll(history, "a", range);
      const answered = Date.now();
      const offsets = messages.map(({ offset }) => offset);
      assert.deepEqual(
        offsets,
        offsets.map((_, n) => newest - offsets.length + n + 1),
        "a gap",
      );
      const oldest = offsets[0] ?? newest + 1;
      // Each message was appended before the moment that is noted for it.
      for (const [offset, at] of times.entries()) {
        if (offset >= oldest) assert.ok(asked - at <= 1_100, `m${offset} is ${asked - at} ms old`);
        else if (offset > 0) assert.ok(answered - at >= 900, `m${offset} was dropped early`);
      }
      await history.append("a", `m${++newest}`, second);
      times.push(Date.now());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual((await readAll(history, "b")).messages, [{ offset: 1, message: "old" }]);
  });

  rule("takes the age of the reader, also if it is shorter than that of the append", async ({ history }) => {
    await appendAll(history, "a", named(1, 2), many);
    await eventually(async () => assertEmpty(await readAll(history, "a", { maxAgeSeconds: 1 })));
    await history.append("a", "m3", many);
    assertNamed(await readAll(history, "a", { maxAgeSeconds: 1 }), 3, 3);
    assertNamed(await readAll(history, "a"), 1, 3);
  });

  rule("drops for good what was too old at an append", async ({ history }) => {
    await appendAll(history, "a", named(1, 20), second);
    await eventually(async () => assertEmpty(await readAll(history, "a", { maxAgeSeconds: 1 })));
    await history.append("a", "m21", second);
    assertNamed(await readAll(history, "a"), 21, 21);
  });
}
