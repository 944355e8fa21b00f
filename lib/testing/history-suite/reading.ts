import assert from "node:assert/strict";
import type { HistoryRange } from "../../history/history.ts";
import { appendAll, assertEmpty, assertNamed, many, named, readAll } from "./pages.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** A page has the messages of its range that are kept, within its limits. */
export function readingRules(rule: RuleDeclarer): void {
  rule("has an empty page of a channel that nobody has used, and of its position", async (subject) => {
    const { history, other } = subject;
    const page = await readAll(history, "a");
    assertEmpty(page);
    assert.equal(page.position.offset, 0);
    assert.equal(page.enteredAfter, 0);
    assert.deepEqual(await other.positions(["a"]), [page.position]);
    const { epoch } = await history.append("a", "m1", many);
    assert.equal(epoch, page.position.epoch);
  });

  const ranges: readonly [string, Partial<HistoryRange>, number, number][] = [
    ["all", {}, 5, 14],
    ["after one", { after: 9 }, 10, 14],
    ["up to one", { upTo: 9 }, 5, 9],
    ["between two", { after: 6, upTo: 8 }, 7, 8],
    ["one", { after: 8, upTo: 9 }, 9, 9],
    ["the newest", { after: 13 }, 14, 14],
    ["after what is dropped", { after: 2, upTo: 6 }, 5, 6],
    ["up to what is not there yet", { after: 12, upTo: 99 }, 13, 14],
    ["the oldest of all", { limit: 3 }, 5, 7],
    ["the newest of all", { limit: 3, from: "newest" }, 12, 14],
    ["the oldest of a range", { after: 6, upTo: 12, limit: 2 }, 7, 8],
    ["the newest of a range", { after: 6, upTo: 12, limit: 2, from: "newest" }, 11, 12],
    ["a limit that is not reached", { after: 11, limit: 50, from: "newest" }, 12, 14],
    ["a limit that is just reached", { after: 11, limit: 3 }, 12, 14],
  ];
  const emptyRanges: readonly [string, Partial<HistoryRange>][] = [
    ["after the newest", { after: 14 }],
    ["far after the newest", { after: 1_000 }],
    ["before what is kept", { upTo: 4 }],
    ["before anything", { upTo: 0 }],
    ["of nothing", { after: 9, upTo: 9 }],
    ["the wrong way round", { after: 12, upTo: 7 }],
  ];

  rule("has just the messages of its range", async ({ history, other }) => {
    await appendAll(history, "a", named(1, 14), { ...many, maxMessages: 10 });
    for (const [title, range, from, to] of ranges)
      assertNamed(await readAll(other, "a", range), from, to, title);
    for (const [title, range] of emptyRanges) {
      const page = await readAll(other, "a", range);
      assertEmpty(page, title);
      assert.equal(page.position.offset, 14, title);
    }
  });

  rule("stops before the bytes of its messages are too many, from either end", async ({ history }) => {
    // 10 bytes each, whichever characters they have.
    const texts = ["a123456789", "漢漢漢b", "ééééé", "c123456789", "🦆🦆dd"];
    await appendAll(history, "a", texts);
    const offsets = async (maxBytes: number, from: HistoryRange["from"]) =>
      (await readAll(history, "a", { maxBytes, from })).messages.map(({ offset }) => offset);
    assert.deepEqual(await offsets(50, "oldest"), [1, 2, 3, 4, 5]);
    assert.deepEqual(await offsets(49, "oldest"), [1, 2, 3, 4]);
    assert.deepEqual(await offsets(30, "oldest"), [1, 2, 3]);
    assert.deepEqual(await offsets(29, "oldest"), [1, 2]);
    assert.deepEqual(await offsets(29, "newest"), [4, 5]);
    assert.deepEqual(await offsets(10, "newest"), [5]);
  });

  rule("has one message at least, also if it is larger than allowed", async ({ history }) => {
    await appendAll(history, "a", ["x".repeat(1_000), "y".repeat(2_000)]);
    for (const [from, offset] of [
      ["oldest", 1],
      ["newest", 2],
    ] as const) {
      const { messages } = await readAll(history, "a", { maxBytes: 5, from });
      assert.deepEqual(
        messages.map((kept) => kept.offset),
        [offset],
      );
    }
  });

  rule("goes through 1 000 messages in pages, in either direction", async ({ history, other }) => {
    await Promise.all(named(1, 1_000).map((message) => history.append("a", message, many)));
    let after = 0;
    for (const to of [300, 600, 900, 1_000]) {
      const page = await readAll(other, "a", { after, limit: 300 });
      assertNamed(page, after + 1, to);
      after = to;
    }
    let upTo = Number.POSITIVE_INFINITY;
    for (const [from, to] of [
      [701, 1_000],
      [401, 700],
      [101, 400],
      [1, 100],
    ] as const) {
      assertNamed(await readAll(other, "a", { upTo, limit: 300, from: "newest" }), from, to);
      upTo = from - 1;
    }
  });
}
