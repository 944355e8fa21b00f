import assert from "node:assert/strict";
import { numbered } from "../../history/numbered.ts";
import { inbox, untilHeard } from "../bus-suite/bus-inbox.ts";
import { oddStrings } from "../tools/odd-strings.ts";
import { many, readAll } from "./pages.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const oddNames = [
  ...oddStrings,
  "a:at",
  "a:kept",
  "a:entered",
  "a}:at",
  "{a}:kept",
  "%7Ba%7D",
  "%257Ba%257D",
  "escaped:a",
  "escaped:%7Ba%7D",
  "escaped:{a}",
  "}{",
  "{{a}}",
  "{".repeat(512),
  "x".repeat(1_024),
  "漢".repeat(1_024),
  "🦆".repeat(512),
];

/** Channels are any well-formed strings of 1 to 1,024 UTF-16 code units, and no channel affects another. */
export function nameRules(rule: RuleDeclarer): void {
  rule("keeps channels with names of any characters apart", async ({ history, other }) => {
    const epochs = new Set<string>();
    for (const [n, name] of oddNames.entries()) {
      const { epoch, offset } = await history.append(name, `only ${n}`, many);
      assert.equal(offset, 1, name);
      epochs.add(epoch);
      if (n % 2) await history.enter(name, "u", 60);
    }
    assert.equal(epochs.size, oddNames.length);
    const positions = await other.positions(oddNames);
    assert.deepEqual(
      positions.map(({ epoch }) => epoch),
      [...epochs],
    );
    for (const [n, name] of oddNames.entries()) {
      const { messages } = await readAll(other, name);
      assert.deepEqual(messages, [{ offset: 1, message: `only ${n}` }], name);
      assert.equal((await readAll(other, name, { reader: "u" })).enteredAfter, n % 2, name);
    }
    for (const [n, name] of oddNames.entries()) {
      await history.forget(name);
      const left = await Promise.all(oddNames.map((each) => readAll(other, each)));
      assert.deepEqual(
        left.map(({ messages }) => messages.length),
        oddNames.map((_, at) => (at > n ? 1 : 0)),
        name,
      );
    }
  });

  rule("delivers on channels with names of any characters", async ({ nodes, history }) => {
    const heard = await Promise.all(oddNames.map((name) => inbox(nodes[1].bus, name)));
    const positions = await Promise.all(oddNames.map((name, n) => history.append(name, `only ${n}`, many)));
    for (const [n, position] of positions.entries())
      await untilHeard(heard[n] as string[], [numbered(position, `only ${n}`)]);
  });
}
