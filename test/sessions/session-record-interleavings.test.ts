import { setImmediate as turn } from "node:timers/promises";
import { Bounds } from "../../lib/calls/bounds.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { SaveQueues } from "../../lib/sessions/saving/save-queues.ts";
import { assertStored, insert, readStored } from "../../lib/testing/session-store-suite/sessions.ts";
import { seededRandom } from "../support/random.ts";
import { HeldSessionStore } from "./held-session-store.ts";
import { type OpenRecord, openRecord, shown } from "./open-record.ts";

/** Updates and saves of one record cross each other, and those of others. */
describe("SessionRecord", () => {
  let memory: MemorySessionStore;
  let store: HeldSessionStore;

  beforeEach(() => {
    memory = new MemorySessionStore();
    store = new HeldSessionStore(memory);
  });

  /** Those of one node. */
  function saveQueues(): SaveQueues {
    const timeoutMs = 10_000;
    return new SaveQueues({
      store: new BoundedSessionStore(store, new Bounds(timeoutMs)),
      timeoutMs,
      userIdOf: () => undefined,
    });
  }

  describe("with an update during a save", () => {
    it("does not count as its own change what a save took over while the update was reading", async () => {
      await insert(memory, "a", { n: 0 });
      const mine = await openRecord(store, "a");
      await saveAs(1);
      const held = store.hold("read", "answer");
      const updating = mine.record.update();
      await held.arrived;
      await saveAs(2);
      await mine.record.save();
      held.release();
      await updating;
      await saveAs(3);
      await mine.record.save();
      await assertStored(memory, "a", { n: 3 });
    });

    it("does not count as its own change what the update took over while the save was answered", async () => {
      await insert(memory, "a", { n: 0 });
      const mine = await openRecord(store, "a");
      const held = store.hold("write", "answer");
      mine.session.mine = true;
      const saving = mine.record.save();
      await held.arrived;
      await saveAs(1);
      const updating = mine.record.update();
      for (let turns = 0; turns < 5; turns++) await turn();
      held.release();
      await Promise.all([saving, updating]);
      expect(shown(mine)).toEqual({ n: 1, mine: true });
      await saveAs(2);
      await mine.record.save();
      await assertStored(memory, "a", { n: 2, mine: true });
    });

    /** Another request's save. */
    async function saveAs(n: number): Promise<void> {
      const theirs = await openRecord(memory, "a");
      theirs.session.n = n;
      await theirs.record.save();
    }
  });

  it.each([
    ["of nodes of their own", 3, 3],
    ["of one node", 4, 1],
    ["of two nodes", 6, 2],
  ])(
    "loses no key of any of several records %s, in any interleaving of changes, saves and updates",
    async (_, count, nodeCount) => {
      for (let seed = 1; seed <= 200; seed++) {
        const random = seededRandom(seed);
        const sid = `seed-${seed}`;
        await insert(memory, sid, {});
        const nodes = Array.from({ length: nodeCount }, () => saveQueues());
        const records = await Promise.all(
          Array.from({ length: count }, (_, at) => openRecord(store, sid, { saves: nodes[at % nodeCount] })),
        );
        const pending: Promise<unknown>[] = [];
        for (let step = 0; step < 30; step++) {
          const owner = random.int(records.length);
          const { record, session } = records[owner] as OpenRecord;
          // Each changes keys of its own only, so that what it shows of them is what must be stored.
          const key = `${owner}:${random.int(3)}`;
          if (random.chance(0.3)) delete session[key];
          else session[key] = random.chance(0.5) ? step : { nested: [step] };
          if (random.chance(0.4)) pending.push(record.save({ isLast: random.chance(0.2) }));
          if (random.chance(0.2)) pending.push(record.update());
          if (random.chance(0.3)) await turn();
          for (let microtask = random.int(4); microtask > 0; microtask--) await undefined;
        }
        await Promise.all(pending);
        for (const { record } of records) await record.save();
        const own = records.map((open, owner) =>
          Object.entries(shown(open)).filter(([key]) => key.startsWith(`${owner}:`)),
        );
        const { data } = await readStored(memory, sid);
        const { cookie: _, ...contents } = data;
        expect({ seed, contents }).toEqual({ seed, contents: Object.fromEntries(own.flat()) });
      }
    },
  );
});
