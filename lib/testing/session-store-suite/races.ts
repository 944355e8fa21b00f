import assert from "node:assert/strict";
import type { SessionStore } from "../../sessions/session-store.ts";
import { pause, shuffled } from "../tools/interleaving.ts";
import { type SeededRandom, seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import {
  assertGone,
  assertStored,
  type Contents,
  contentsOf,
  insert,
  readStored,
  sessionData,
  snapshot,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const seeds = Array.from({ length: 100 }, (_, index) => index + 1);

/** `write` is one atomic step, however many run at the same time. */
export function raceRules(rule: RuleDeclarer): void {
  rule("accepts exactly one of 50 inserts at the same time", async (store) => {
    const results = await Promise.all(range(50).map((n) => store.write("a", snapshot({ n }), undefined)));
    await assertOneWritten(store, results);
  });

  rule("accepts exactly one of 50 writes from one version at the same time", async (store) => {
    const base = await insert(store, "a", { n: -1 });
    const results = await Promise.all(range(50).map((n) => store.write("a", snapshot({ n }), base)));
    await assertOneWritten(store, results);
  });

  rule("loses no step of 20 writers that together count to 100", async (store) => {
    await insert(store, "a", { count: 0 });
    await Promise.all(
      range(20).map(async () => {
        for (let step = 0; step < 5; step++) {
          assert.ok(await change(store, "a", ({ count }) => ({ count: (count as number) + 1 })));
        }
      }),
    );
    await assertStored(store, "a", { count: 100 });
  });

  rule("loses no key of 50 writers that add one each", async (store) => {
    await insert(store, "a", {});
    await Promise.all(
      range(50).map((n) => change(store, "a", (contents) => ({ ...contents, [`key${n}`]: n }))),
    );
    await assertStored(store, "a", Object.fromEntries(range(50).map((n) => [`key${n}`, n])));
  });

  rule("a session is never stored again after its removal has resolved", async (store) => {
    for (const seed of seeds) {
      const sid = `raced-${seed}`;
      const random = seededRandom(seed);
      await insert(store, sid, { count: 0 });
      await race(store, sid, random, async () => {
        await store.remove(sid, "session_ended");
        await assertGone(store, sid, `still there after the removal, seed ${seed}`);
      });
      await assertGone(store, sid, `came back after the removal, seed ${seed}`);
      assert.deepEqual(await store.expiries([sid]), [undefined], `expires although gone, seed ${seed}`);
    }
  });

  rule(
    "a session is never stored again after destroy of the express-session store has called back",
    async (store) => {
      for (const seed of seeds) {
        const sid = `raced-${seed}`;
        const random = seededRandom(seed);
        await insert(store, sid, { count: 0 });
        await race(store, sid, random, async () => {
          await new Promise((resolve) => store.expressStore.destroy(sid, resolve));
          await assertGone(store, sid, `still there after destroy, seed ${seed}`);
        });
        await assertGone(store, sid, `came back after destroy, seed ${seed}`);
      }
    },
  );
}

/** Races writers, refreshers and readers of a session with `end`, which ends the session meanwhile. */
async function race(
  store: SessionStore,
  sid: string,
  random: SeededRandom,
  end: () => Promise<void>,
): Promise<void> {
  const count = () => change(store, sid, ({ count }) => ({ count: (count as number) + 1 }));
  const refresh = () => store.refresh(sid, sessionData({}, 90_000));
  const read = () => store.read(sid);
  const steps = shuffled(random, [count, count, count, count, refresh, refresh, read, end]);
  await Promise.all(
    steps.map(async (step) => {
      await pause(random);
      await step();
    }),
  );
}

/** Writes, and repeats that from the current version until it succeeds. Resolves to `false` if the session is gone. */
async function change(
  store: SessionStore,
  sid: string,
  changed: (contents: Contents) => Contents,
): Promise<boolean> {
  let current = await store.read(sid);
  while (current) {
    const result = await store.write(sid, snapshot(changed(contentsOf(current))), current);
    if (result.outcome === "written") return true;
    current = result.outcome === "changed" ? result.current : undefined;
  }
  return false;
}

async function assertOneWritten(
  store: SessionStore,
  results: Awaited<ReturnType<SessionStore["write"]>>[],
): Promise<void> {
  const { version } = await readStored(store, "a");
  const winners = range(results.length).filter((n) => results[n]?.outcome === "written");
  assert.equal(winners.length, 1);
  await assertStored(store, "a", { n: winners[0] });
  for (const result of results) {
    if (result.outcome === "changed") assert.equal(result.current.version, version);
    else assert.deepEqual(result, { outcome: "written", version });
  }
}
