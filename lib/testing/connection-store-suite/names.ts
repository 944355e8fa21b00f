import assert from "node:assert/strict";
import { oddStrings } from "../tools/odd-strings.ts";
import { connection, ofConnection, ofUser, type RuleDeclarer } from "./suite-options.ts";

const keys = ["", ...oddStrings];

/** Data belongs to the name that the options give to a connection. Keys and names may have any characters. */
export function nameRules(rule: RuleDeclarer): void {
  rule("tells keys with any characters apart", async (make) => {
    const store = await make(ofConnection);
    const own = connection("n1:1");
    for (const key of keys) assert.equal(await store.get(own, key), undefined, key);
    for (const [at, key] of keys.entries()) await store.set(own, key, [at]);
    for (const [at, key] of keys.entries()) assert.deepEqual(await store.get(own, key), [at], key);
    for (const [at, key] of keys.entries()) {
      await store.delete(own, key);
      assert.equal(await store.get(own, key), undefined, key);
      const next = keys[at + 1];
      if (next !== undefined) assert.deepEqual(await store.get(own, next), [at + 1], key);
    }
  });

  rule("tells connections with any ids apart", async (make) => {
    const store = await make(ofConnection);
    const connections = oddStrings.map((id) => connection(id, "u"));
    for (const each of connections) await store.set(each, "key", { id: each.id });
    for (const each of connections) assert.deepEqual(await store.get(each, "key"), { id: each.id });
    for (const each of connections) {
      await store.delete(each, "key");
      assert.equal(await store.get(each, "key"), undefined, each.id);
    }
  });

  rule("shares a user's data between the connections of the user, and with nobody else", async (make) => {
    const store = await make(ofUser);
    const [phone, laptop, other] = [connection("1", "u"), connection("2", "u"), connection("1", "v")];
    await store.set(phone, "key", "from the phone");
    assert.equal(await store.get(laptop, "key"), "from the phone");
    assert.equal(await store.get(other, "key"), undefined);
    await store.set(laptop, "key", "from the laptop");
    assert.equal(await store.get(phone, "key"), "from the laptop");
    await store.set(other, "key", "of another");
    await store.delete(phone, "key");
    assert.equal(await store.get(laptop, "key"), undefined);
    assert.equal(await store.get(other, "key"), "of another");
  });

  rule("tells users with any ids apart", async (make) => {
    const store = await make(ofUser);
    for (const userId of keys) await store.set(connection("1", userId), "key", { userId });
    for (const userId of keys) {
      assert.deepEqual(await store.get(connection("2", userId), "key"), { userId });
    }
  });

  rule("stores nothing for a connection without a name, and throws no error", async (make) => {
    const store = await make(ofUser);
    const [one, two] = [connection("1"), connection("2")];
    await store.set(one, "key", "lost");
    for (const each of [one, two]) {
      assert.equal(await store.get(each, "key"), undefined);
      await store.refresh(each);
      await store.delete(each, "key");
      await store.clear?.(each);
    }
    for (const userId of ["", "undefined", "null"]) {
      assert.equal(await store.get(connection("1", userId), "key"), undefined, userId);
    }
  });

  rule("keeps a user's data when a connection without a user is cleared", async (make) => {
    const store = await make(ofUser);
    const own = connection("1", "u");
    await store.set(own, "key", "kept");
    await store.clear?.(connection("1"));
    await store.delete(connection("1"), "key");
    assert.equal(await store.get(own, "key"), "kept");
  });
}
