import assert from "node:assert/strict";
import type { ConnectionIdentity, ConnectionStore, StoredValue } from "../../connections/connection-store.ts";
import { pause } from "../tools/interleaving.ts";
import { seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import { connection, ofConnection, ofUser, type RuleDeclarer } from "./suite-options.ts";

const seeds = range(40).map((n) => n + 1);

/** A change of one key does not affect other keys, however many change at the same time. */
export function raceRules(rule: RuleDeclarer): void {
  rule("keeps all of 200 keys that are set at the same time", async (make) => {
    const store = await make(ofConnection);
    const own = connection("n1:1");
    await Promise.all(range(200).map((n) => store.set(own, `key ${n}`, { n })));
    const found = await Promise.all(range(200).map((n) => store.get(own, `key ${n}`)));
    assert.deepEqual(
      found,
      range(200).map((n) => ({ n })),
    );
  });

  rule("keeps one whole value of several that are set at the same time", async (make) => {
    const store = await make(ofConnection);
    const own = connection("n1:1");
    const valueOfWriter = (n: number) => ({ n, list: range(50).map(() => n) });
    await Promise.all(range(50).map((n) => store.set(own, "key", valueOfWriter(n))));
    const found = (await store.get(own, "key")) as { n: number };
    assert.deepEqual(found, valueOfWriter(found.n));
  });

  rule("keeps the keys of racing connections apart", async (make) => {
    const store = await make(ofConnection);
    const identities = range(4).map((n) => connection(`n1:${n}`, "u"));
    for (const seed of seeds) {
      await raceKeys(
        seed,
        identities.map((each) => [store, each, `seed ${seed} `]),
      );
    }
  });

  rule("keeps the keys of one user apart while the user's connections race", async (make) => {
    const store = await make(ofUser);
    const identities = range(4).map((n) => connection(`n1:${n}`, "u"));
    for (const seed of seeds) {
      await raceKeys(
        seed,
        identities.map((each, n) => [store, each, `seed ${seed} ${n} `]),
      );
    }
  });
}

/** A connection that uses the keys with its own start. */
type Holder = [store: ConnectionStore, identity: ConnectionIdentity, keysBegin: string];

/** Sets, gets and deletes several keys at the same time. The steps on one key run in order. */
async function raceKeys(seed: number, holders: readonly Holder[]): Promise<void> {
  await Promise.all(
    holders.flatMap(([store, identity, keysBegin], holder) =>
      range(3).map(async (at) => {
        const random = seededRandom(1_000 * seed + 10 * holder + at);
        const key = `${keysBegin}${at}`;
        let expected: StoredValue | undefined;
        for (let step = 0; step < 8; step++) {
          await pause(random);
          const kind = random.int(4);
          if (kind < 2) {
            expected = kind ? `${holder} ${at} ${step}` : { holder, at, step };
            await store.set(identity, key, expected);
          } else if (kind === 2) {
            expected = undefined;
            await store.delete(identity, key);
          } else {
            await store.refresh(identity);
          }
          assert.deepEqual(await store.get(identity, key), expected, `seed ${seed}, ${key}, step ${step}`);
        }
      }),
    ),
  );
}
