import assert from "node:assert/strict";
import { eventually } from "../tools/eventually.ts";
import { oddStrings } from "../tools/odd-strings.ts";
import { appendAll, assertEmpty, assertNamed, many, named, readAll } from "./pages.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** A reader sees nothing from before the reader has entered. */
export function enteringRules(rule: RuleDeclarer): void {
  rule("shows a reader what came after the reader has entered", async ({ history, other }) => {
    const epoch = await appendAll(history, "a", named(1, 3));
    assert.deepEqual(await other.enter("a", "u", 60), { epoch, offset: 3 });
    const empty = await readAll(history, "a", { reader: "u" });
    assertEmpty(empty);
    assert.deepEqual(empty.position, { epoch, offset: 3 });
    assert.equal(empty.enteredAfter, 3);
    await appendAll(history, "a", named(4, 6));
    const page = await readAll(other, "a", { reader: "u" });
    assertNamed(page, 4, 6);
    assert.equal(page.enteredAfter, 3);
    assertNamed(await readAll(other, "a"), 1, 6);
  });

  rule("shows everything to a reader who has not entered of late", async ({ history }) => {
    await appendAll(history, "a", named(1, 3));
    await history.enter("a", "u", 60);
    await history.enter("b", "v", 60);
    const page = await readAll(history, "a", { reader: "v" });
    assertNamed(page, 1, 3);
    assert.equal(page.enteredAfter, 0);
  });

  rule("counts from where a user has entered again", async ({ history, other }) => {
    await appendAll(history, "a", named(1, 2));
    await history.enter("a", "u", 60);
    await appendAll(history, "a", named(3, 4));
    await other.enter("a", "v", 60);
    await appendAll(history, "a", named(5, 5));
    assert.equal((await other.enter("a", "u", 60)).offset, 5);
    await appendAll(history, "a", named(6, 7));
    assertNamed(await readAll(history, "a", { reader: "u" }), 6, 7);
    assertNamed(await readAll(history, "a", { reader: "v" }), 5, 7);
  });

  rule("applies the other limits of a range to what a reader may see", async ({ history }) => {
    await appendAll(history, "a", named(1, 5));
    await history.enter("a", "u", 60);
    await appendAll(history, "a", named(6, 12));
    const reader = "u";
    assertNamed(await readAll(history, "a", { reader, after: 2, limit: 2 }), 6, 7);
    assertNamed(await readAll(history, "a", { reader, after: 2, upTo: 8 }), 6, 8);
    assertNamed(await readAll(history, "a", { reader, after: 8, upTo: 9 }), 9, 9);
    assertNamed(await readAll(history, "a", { reader, limit: 2, from: "newest" }), 11, 12);
    assertNamed(await readAll(history, "a", { reader, limit: 20, from: "newest" }), 6, 12);
    assertEmpty(await readAll(history, "a", { reader, upTo: 5, from: "newest" }));
  });

  rule("lets a user enter a channel that nobody has used", async ({ history, other }) => {
    const position = await history.enter("a", "u", 60);
    assert.equal(position.offset, 0);
    assert.deepEqual(await other.append("a", "m1", many), { ...position, offset: 1 });
    assertNamed(await readAll(history, "a", { reader: "u" }), 1, 1);
  });

  rule("still counts after the messages were forgotten, and in a new life", async ({ history, other }) => {
    await appendAll(history, "a", named(1, 3));
    const { epoch } = await history.enter("a", "u", 60);
    await other.forget("a");
    await appendAll(history, "a", named(4, 5));
    assertNamed(await readAll(history, "a", { reader: "u" }), 4, 5);
    await other.enter("a", "u", 60);
    await other.renew("a", epoch);
    await appendAll(history, "a", named(6, 6));
    const page = await readAll(history, "a", { reader: "u" });
    assertNamed(page, 6, 6);
    assert.equal(page.enteredAfter, 5);
  });

  rule("lasts as long as a message that was there when the user entered", async ({ history, other }) => {
    const limits = { maxMessages: 100, maxAgeSeconds: 1 };
    await appendAll(history, "a", named(1, 3), limits);
    await history.enter("a", "u", 1);
    await history.append("a", "m4", limits);
    await eventually(async () => {
      const { messages } = await readAll(other, "a", { reader: "u", ...limits });
      assert.ok(
        messages.every(({ offset }) => offset > 3),
        "it shows a message from before",
      );
      assert.deepEqual(messages, [], "the last message is there still");
    });
  });

  rule("lasts for the longer time if others enter for a shorter one", async ({ history, other }) => {
    await appendAll(history, "a", named(1, 3));
    await history.enter("a", "u", 60);
    await other.enter("a", "v", 1);
    await appendAll(history, "b", ["short"], { maxMessages: 1, maxAgeSeconds: 1 });
    await eventually(async () => assertEmpty(await readAll(history, "b", { maxAgeSeconds: 1 })));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assertEmpty(await readAll(history, "a", { reader: "u" }));
  });

  rule("keeps readers with ids of any characters apart", async ({ history, other }) => {
    for (const [n, userId] of oddStrings.entries()) {
      await history.append("a", `m${n + 1}`, many);
      await history.enter("a", userId, 60);
    }
    await history.append("a", "end", many);
    for (const [n, userId] of oddStrings.entries()) {
      const { enteredAfter, messages } = await readAll(other, "a", { reader: userId });
      assert.equal(enteredAfter, n + 1, userId);
      assert.equal(messages.length, oddStrings.length - n, userId);
    }
  });
}
