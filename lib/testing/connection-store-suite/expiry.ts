import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionStore } from "../../connections/connection-store.ts";
import { eventually } from "../tools/eventually.ts";
import { connection, ofConnection, type RuleDeclarer } from "./suite-options.ts";

const shortLived = { ...ofConnection, ttlSeconds: 1 };
const ttlMs = 1_000;

/** Long enough for whatever was not kept alive to be gone. */
const pastTtlMs = ttlMs + 400;

const own = connection("n1:own");
const other = connection("n1:other");

/** Data lives for its time after it was last set or refreshed, by any of its keys, and together. */
export function expiryRules(rule: RuleDeclarer): void {
  rule("has all of it until its time is over, and then nothing, however often it is read", async (make) => {
    const store = await make(shortLived);
    await store.set(own, "a", "a");
    const setAt = Date.now();
    await store.set(own, "b", "b");
    await untilGone(store, "b");
    const livedForMs = Date.now() - setAt;
    assert.ok(livedForMs >= ttlMs - 10, `lived for ${livedForMs} ms`);
    assert.equal(await store.get(own, "a"), undefined);
  });

  rule("lives on while it is refreshed, and no longer", async (make) => {
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

  rule("lives on as a whole while any of its keys is set, and no longer", async (make) => {
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

  rule("does not live on by what others set or refresh", async (make) => {
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

  rule("does not live on by what is deleted", async (make) => {
    const store = await make(shortLived);
    for (const key of ["a", "b"]) await store.set(own, key, key);
    await eventually(async () => {
      await store.delete(own, "b");
      await store.delete(own, "never");
      assert.equal(await store.get(own, "a"), undefined);
    });
  });

  rule("comes back by no refresh, and by a set only what was set", async (make) => {
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

/** Waits until a key is gone, while nobody does anything but read. */
async function untilGone(store: ConnectionStore, key: string): Promise<void> {
  await eventually(async () => assert.equal(await store.get(own, key), undefined, "it is there still"));
}

/** Repeats a step for longer than data lives by itself. */
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
 * Makes an attempt to keep data alive, which says each time that it is about to renew that. When this process stands
 * still, the renewal may come too late: an attempt that fails then proves nothing, and is made anew, at most three times.
 */
async function inTime(attempt: (renewing: () => void) => Promise<void>): Promise<void> {
  for (let triesLeft = 3; ; triesLeft--) {
    // The one before the last: what is not there may have gone between the two.
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
