import assert from "node:assert/strict";
import { assertGone, assertStored, type Contents, insert, readStored, snapshot } from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

export const oddIds: readonly string[] = [
  "a:b{c}*?[d]",
  "with space\tand\nlines",
  "ümläut 漢字 🦆",
  "__proto__",
  "constructor",
  "toString",
  "\u0000nul",
  "../../etc/passwd",
  "%00",
  "0",
  "x".repeat(2_000),
];

export const oddContents: Record<string, Contents> = {
  nothing: {},
  "empty values": { list: [], object: {}, text: "", nothing: null, no: false, zero: 0 },
  "deep nesting": { a: { b: [{ c: [[], {}, [{ d: null }]] }] } },
  "unicode and control characters": { "schlüssel 🗝": "漢字\u0000\n\u2028\u001f\\\"'", lone: "\ud83e" },
  "big and small numbers": { big: 2 ** 53 + 2, bigger: 1e308, small: 5e-324, negative: -1.5, max: 2 ** 63 },
  "names of Object's own": JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"hasOwnProperty":1,"toString":2}',
  ),
  "nested __proto__": { nested: JSON.parse('{"__proto__":{"admin":true}}') },
  "names of the session's own": { id: 1, req: { a: 1 }, save: "soon", touch: [1] },
  "a 1 MB text": { text: "漢".repeat(350_000) },
  "10 000 keys": Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key${n}`, n])),
};

/** A session is read as a copy of what was written. */
export function contentRules(rule: RuleDeclarer): void {
  rule("tells sessions apart whose ids have any characters", async (store) => {
    for (const sid of oddIds) await assertGone(store, sid);
    const bases = await Promise.all(oddIds.map((sid) => insert(store, sid, { sid })));
    for (const [index, sid] of oddIds.entries()) {
      await assertStored(store, sid, { sid });
      const result = await store.write(sid, snapshot({ sid, again: true }), bases[index]);
      assert.equal(result.outcome, "written");
    }
    for (const sid of oddIds) {
      await assertStored(store, sid, { sid, again: true });
      await store.remove(sid, "session_ended");
      await assertGone(store, sid);
    }
  });

  for (const [what, contents] of Object.entries(oddContents)) {
    rule(`returns ${what} unchanged, from a read and from a late write`, async (store) => {
      const base = await insert(store, "a", contents);
      const stored = await readStored(store, "a");
      assert.equal(stored.version, base.version);
      await assertStored(store, "a", contents);
      const late = await store.write("a", snapshot({ other: 1 }), undefined);
      assert.ok(late.outcome === "changed", late.outcome);
      assert.deepEqual(late.current.data, stored.data);
      assert.equal((await store.write("a", snapshot({ other: 1 }), base)).outcome, "written");
      assert.equal(Object.hasOwn(Object.prototype, "admin"), false);
      assert.equal(({} as Contents).admin, undefined);
    });
  }

  rule("keeps the cookie with all its attributes", async (store) => {
    const { data } = snapshot({}, 60_000);
    Object.assign(data.cookie, { path: "/app", domain: "example.com", sameSite: "strict", secure: true });
    const json = JSON.stringify(data);
    await store.write("a", { data, json }, undefined);
    const stored = await readStored(store, "a");
    assert.deepEqual(JSON.parse(JSON.stringify(stored.data)), JSON.parse(json));
  });

  rule("returns a separate copy to each reader", async (store) => {
    await insert(store, "a", { nested: { list: [1] } });
    const [mine, theirs] = await Promise.all([readStored(store, "a"), readStored(store, "a")]);
    const data = mine.data as unknown as { nested: { list: number[] }; more?: boolean };
    data.nested.list.push(2);
    data.more = true;
    Object.assign(mine.data.cookie, { path: "/spoilt" });
    assert.deepEqual((theirs.data as unknown as Contents).nested, { list: [1] });
    assert.equal((await readStored(store, "a")).data.cookie.path, "/");
    assert.equal((await readStored(store, "a")).version, mine.version);
    await assertStored(store, "a", { nested: { list: [1] } });
  });
}
