import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionStore } from "../../connections/connection-store.ts";
import { eventually } from "../tools/eventually.ts";
import { connection, ofConnection, type RuleDeclarer } from "./suite-options.ts";

const shortLived = { ...ofConnection, ttlSeconds: 1 };
const ttlMs = 1_000;

/** Long enough for data to expire that nobody has renewed. */
const pastTtlMs = ttlMs + 400;

const own = connection("n1:own");
const other = connection("n1:other");

/** The data of a connection expires as a whole, a fixed time after any of its keys was last set or refreshed. */
export function expiryRules(rule: RuleDeclarer): void {
  rule("keeps all data until it expires and nothing after that, however often it is read", async (make) => {
    const store = await make(shortLived);
    await store.set(own, "a", "a");
    const setAt = Date.now();
    await store.set(own, "b", "b");
    await untilGone(store, "b");
    const livedForMs = Date.now() - setAt;
    assert.ok(livedForMs >= ttlMs - 10, `lived for ${livedForMs} ms`);
    assert.equal(await store.get(own, "a"), undefined);
  });

  rule("keeps data exactly as long as it is refreshed", async (make) => {
    const store = await make(shortLived);
    await inTime(async (renewing) => {
      for (const key of ["a", "b"]) await store.set(own, key, { key });
      await repeatPastTtl(async () => {
        renewing();
        await store.refresh(own);
        for (const key of ["a", "b"]) assert.deepEqual(await store.get(own, key), { key });
      });
    });
    await untilGone(store, "a");
    assert.equal(await store.get(own, "b"), undefined);
  });

  rule("keeps all data exactly as long as one of its keys is set", async (make) => {
    const store = await make(shortLived);
    await inTime(async (renewing) => {
      await store.set(own, "a", "a");
      await repeatPastTtl(async () => {
        renewing();
        await store.set(own, "b", "b");
        assert.equal(await store.get(own, "a"), "a");
      });
    });
    await untilGone(store, "a");
    assert.equal(await store.get(own, "b"), undefined);
  });

  rule("is not kept alive by what another connection sets or refreshes", async (make) => {
    const store = await make(shortLived);
    await inTime(async (renewing) => {
      await store.set(own, "a", "a");
      await eventually(async () => {
        renewing();
        await store.set(other, "a", "of another");
        await store.refresh(other);
        assert.equal(await store.get(own, "a"), undefined);
      });
      assert.equal(await store.get(other, "a"), "of another");
    });
  });

  rule("is not kept alive by a deletion", async (make) => {
    const store = await make(shortLived);
    for (const key of ["a", "b"]) await store.set(own, key, key);
    await eventually(async () => {
      await store.delete(own, "b");
      await store.delete(own, "never");
      assert.equal(await store.get(own, "a"), undefined);
    });
  });

  rule("does not bring expired data back by a refresh, nor by setting another key", async (make) => {
    const store = await make(shortLived);
    for (const key of ["a", "b"]) await store.set(own, key, "before");
    await untilGone(store, "a");
    await store.refresh(own);
    assert.equal(await store.get(own, "a"), undefined);
    await inTime(async (renewing) => {
      await store.set(own, "b", "after");
      assert.equal(await store.get(own, "b"), "after");
      assert.equal(await store.get(own, "a"), undefined);
      await repeatPastTtl(async () => {
        renewing();
        await store.refresh(own);
        assert.equal(await store.get(own, "b"), "after");
      });
    });
  });
}

/** Reads a key until it is gone. */
async function untilGone(store: ConnectionStore, key: string): Promise<void> {
  await eventually(async () => assert.equal(await store.get(own, key), undefined, "it is there still"));
}

/** Repeats a step for longer than data lives without a renewal. */
async function repeatPastTtl(step: () => Promise<void>): Promise<void> {
  const until = Date.now() + pastTtlMs;
  let isPast: boolean;
  do {
    isPast = Date.now() > until;
    await step();
    await delay(10);
  } while (!isPast);
}

/**
 * Makes an attempt to keep data alive. The attempt calls `renewing` before each renewal. While this process stands
 * still, a renewal may come too late. An attempt that fails then proves nothing, and is repeated, up to three times.
 */
async function inTime(attempt: (renewing: () => void) => Promise<void>): Promise<void> {
  for (let triesLeft = 3; ; triesLeft--) {
    // Both of the last two renewals: a missing key may have expired between them.
    let [beforeLastAt, lastAt] = [Date.now(), Date.now()];
    try {
      return await attempt(() => {
        [beforeLastAt, lastAt] = [lastAt, Date.now()];
      });
    } catch (error) {
      if (triesLeft === 0 || Date.now() - beforeLastAt <= ttlMs - 100) throw error;
    }
  }
}
