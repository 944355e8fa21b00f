import assert from "node:assert/strict";
import type { StoredValue } from "../../connections/connection-store.ts";
import { oddStrings } from "../tools/odd-strings.ts";
import { connection, ofConnection, type RuleDeclarer } from "./suite-options.ts";

const values: Record<string, StoredValue> = {
  "an empty text": "",
  "a text of any characters": oddStrings.join("|"),
  "a text that looks like JSON": '{"a":1}',
  "a text that says null": "null",
  "a text of 1 MB": "漢".repeat(350_000),
  "an empty object": {},
  "an empty list": [],
  "a list of all that JSON has": ["", "a", 0, -1.5, 2 ** 53 + 2, 1e308, true, false, null, [], {}],
  "a nested object": { a: { b: [{ c: [[], {}, [{ d: null }]] }] }, "": "empty key" },
  "names of Object's own": JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":2}',
  ) as StoredValue,
};

const a = connection("n1:a", "u");
const b = connection("n1:b", "u");

/** A value is read as a copy of what was set, until it is deleted. */
export function valueRules(rule: RuleDeclarer): void {
  rule(
    "returns undefined for a key that was not set, and deletes and refreshes it without an error",
    async (make) => {
      const store = await make(ofConnection);
      assert.equal(await store.get(a, "key"), undefined);
      await store.delete(a, "key");
      await store.refresh(a);
      assert.equal(await store.get(a, "key"), undefined);
    },
  );

  for (const [what, value] of Object.entries(values)) {
    rule(`returns ${what} unchanged`, async (make) => {
      const store = await make(ofConnection);
      await store.set(a, "key", value);
      assert.deepEqual(await store.get(a, "key"), value);
      assert.equal(({} as { admin?: unknown }).admin, undefined);
    });
  }

  rule("returns the whole value that was set last", async (make) => {
    const store = await make(ofConnection);
    for (const value of ["text", { a: 1, b: [1, 2] }, { c: 3 }, ["list"], ""]) {
      await store.set(a, "key", value);
      assert.deepEqual(await store.get(a, "key"), value);
    }
  });

  rule("stores a copy of the value, and returns a copy to each reader", async (make) => {
    const store = await make(ofConnection);
    const value = { list: [1], nested: { n: 1 } };
    const isSet = store.set(a, "key", value);
    value.list.push(2);
    await isSet;
    value.nested.n = 2;
    const [mine, theirs] = await Promise.all([store.get(a, "key"), store.get(a, "key")]);
    assert.notEqual(mine, theirs);
    Object.assign((mine as typeof value).nested, { n: 3 });
    (theirs as typeof value).list.push(4);
    const stored = (await store.get(a, "key")) as typeof value;
    assert.equal(stored.nested.n, 1);
    assert.ok(stored.list.length <= 2, `${stored.list}`);
  });

  rule("does not change the caller's value, and takes a frozen one", async (make) => {
    const store = await make(ofConnection);
    const value = Object.freeze({ list: Object.freeze([1, 2]) });
    await store.set(a, "key", value);
    assert.deepEqual(value, { list: [1, 2] });
    assert.deepEqual(await store.get(a, "key"), { list: [1, 2] });
  });

  rule("deletes the given key and nothing else", async (make) => {
    const store = await make(ofConnection);
    for (const key of ["one", "two", "three"]) await store.set(a, key, key);
    await store.set(b, "two", "of b");
    for (let n = 0; n < 2; n++) await store.delete(a, "two");
    await store.delete(a, "never");
    const found = await Promise.all(["one", "two", "three"].map((key) => store.get(a, key)));
    assert.deepEqual(found, ["one", undefined, "three"]);
    assert.equal(await store.get(b, "two"), "of b");
    for (const key of ["one", "three"]) await store.delete(a, key);
    await store.set(a, "two", "again");
    assert.equal(await store.get(a, "two"), "again");
    assert.equal(await store.get(a, "one"), undefined);
  });

  rule.deviable("clear", "clears all data of one connection and of no other", async (make) => {
    const store = await make(ofConnection);
    assert.ok(store.clear, 'This store needs "clear", or the deviation "clear".');
    for (const key of ["one", "two"]) {
      for (const each of [a, b]) await store.set(each, key, `${key} of ${each.id}`);
    }
    for (let n = 0; n < 2; n++) await store.clear(a);
    await store.clear(connection("n1:never"));
    for (const key of ["one", "two"]) {
      assert.equal(await store.get(a, key), undefined);
      assert.equal(await store.get(b, key), `${key} of ${b.id}`);
    }
    await store.refresh(a);
    await store.set(a, "two", "again");
    assert.equal(await store.get(a, "one"), undefined);
    assert.equal(await store.get(a, "two"), "again");
  });
}
