import assert from "node:assert/strict";
import { numbered, readNumbered } from "../../history/numbered.ts";
import { inbox, untilHeard } from "../bus-suite/bus-inbox.ts";
import { eventually } from "../tools/eventually.ts";
import { range } from "../tools/range.ts";
import { appendAll, assertNamed, many, named, readAll } from "./pages.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const oddTexts = [
  "",
  " ",
  "\n",
  "7 8",
  "kept a 1\nm",
  "\u0000",
  "line\r\nbreak\n",
  "漢字 🦆 e\u0301 é",
  '{"json":[1,"\\u0000"]}',
  "*1\r\n$4\r\nPING\r\n",
  "漢".repeat(35_000),
  "x".repeat(102_400),
];

/** Each message has the next offset, is kept, and reaches the listeners in the order of offsets. */
export function appendingRules(rule: RuleDeclarer): void {
  rule("gives the offsets 1, 2, 3 in one epoch, and keeps the messages", async ({ history, other }) => {
    const positions = [];
    for (const message of named(1, 5)) positions.push(await history.append("a", message, many));
    assert.deepEqual(
      positions.map(({ offset }) => offset),
      [1, 2, 3, 4, 5],
    );
    const epochs = new Set(positions.map(({ epoch }) => epoch));
    assert.equal(epochs.size, 1);
    for (const each of [history, other]) {
      const page = await readAll(each, "a");
      assertNamed(page, 1, 5);
      assert.deepEqual(page.position, positions.at(-1));
      assert.equal(page.enteredAfter, 0);
    }
  });

  rule("has an epoch that can stand in a text of the bus", async ({ history }) => {
    const { epoch } = await history.append("a", "m1", many);
    assert.match(epoch, /^[^\s]{1,64}$/);
  });

  rule("delivers each message with its position, on all nodes", async ({ nodes, history, other }) => {
    const heard = await Promise.all(nodes.map(({ bus }) => inbox(bus, "a")));
    const first = await history.append("a", "hello", many);
    const second = await other.append("a", "hi", many);
    for (const each of heard) await untilHeard(each, [numbered(first, "hello"), numbered(second, "hi")]);
  });

  rule("keeps and delivers texts as they are, however large and whatever is in them", async (subject) => {
    const { nodes, history, other } = subject;
    const heard = await inbox(nodes[1].bus, "a");
    const epoch = await appendAll(history, "a", oddTexts);
    await untilHeard(
      heard,
      oddTexts.map((text, n) => numbered({ epoch, offset: n + 1 }, text)),
    );
    const { messages } = await readAll(other, "a");
    assert.deepEqual(
      messages,
      oddTexts.map((message, n) => ({ offset: n + 1, message })),
    );
  });

  rule("numbers messages in the order in which one node appends them", async ({ nodes, history, other }) => {
    const heard = await inbox(nodes[1].bus, "a");
    const messages = named(1, 500);
    const positions = await Promise.all(messages.map((message) => history.append("a", message, many)));
    assert.deepEqual(
      positions.map(({ offset }) => offset),
      range(500).map((n) => n + 1),
    );
    await untilHeard(
      heard,
      messages.map((message, n) => numbered(positions[n] as never, message)),
    );
    assertNamed(await readAll(other, "a"), 1, 500);
  });

  rule("delivers in the order of offsets when two nodes append at once", async ({ nodes }) => {
    const heard = await Promise.all(nodes.map(({ bus }) => inbox(bus, "a")));
    const sent = await Promise.all(
      nodes.flatMap(({ history }, node) =>
        range(300).map(async (n) => {
          const message = `${node} ${n}`;
          return { message, ...(await history.append("a", message, many)) };
        }),
      ),
    );
    const inOrder = sent.sort((a, b) => a.offset - b.offset);
    assert.deepEqual(
      inOrder.map(({ offset }) => offset),
      range(600).map((n) => n + 1),
    );
    for (const each of heard) {
      await eventually(() => assert.equal(each.length, 600));
      assert.deepEqual(each.map(readNumbered), inOrder);
    }
  });

  rule("delivers what is appended after a message that is not kept, after it", async ({ nodes, history }) => {
    const heard = await inbox(nodes[1].bus, "a");
    await nodes[0].bus.publish("a", "not kept");
    const position = await history.append("a", "kept", many);
    await nodes[0].bus.publish("a", "not kept either");
    await untilHeard(heard, ["not kept", numbered(position, "kept"), "not kept either"]);
    assert.deepEqual((await readAll(history, "a")).messages, [{ offset: 1, message: "kept" }]);
  });

  rule("has a message in history before anybody hears it", async ({ nodes, history, other }) => {
    const found: Promise<boolean>[] = [];
    await nodes[1].bus.subscribe("a", (text) => {
      const { offset = 0, message } = readNumbered(text) ?? {};
      const range = { after: offset - 1, upTo: offset };
      const page = readAll(other, "a", range);
      found.push(page.then(({ messages: [kept] }) => kept?.message === message));
    });
    await Promise.all(named(1, 100).map((message) => history.append("a", message, many)));
    await eventually(() => assert.equal(found.length, 100));
    assert.deepEqual(new Set(await Promise.all(found)), new Set([true]));
  });

  rule("gives pages that their holder may change", async ({ history }) => {
    await appendAll(history, "a", named(1, 2));
    const page = await readAll(history, "a");
    for (const kept of page.messages) Object.assign(kept, { offset: 7, message: "spoilt" });
    (page.messages as unknown[]).length = 1;
    Object.assign(page.position, { epoch: "spoilt", offset: 7 });
    const [position] = await history.positions(["a"]);
    Object.assign(position as object, { epoch: "spoilt", offset: 7 });
    assertNamed(await readAll(history, "a"), 1, 2);
    assert.equal((await history.append("a", "m3", many)).offset, 3);
  });
}
