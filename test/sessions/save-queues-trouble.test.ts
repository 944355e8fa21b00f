import { Bounds } from "../../lib/calls/bounds.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { SaveQueues } from "../../lib/sessions/saving/save-queues.ts";
import type { Base, SessionSnapshot, WriteResult } from "../../lib/sessions/session-store.ts";
import { assertStored, type Contents, insert } from "../../lib/testing/session-store-suite/sessions.ts";
import { HeldSessionStore } from "./held-session-store.ts";
import { type OpenRecord, openRecord } from "./open-record.ts";

const unavailable = { code: "ERR_STORE_UNAVAILABLE" };
const timeoutMs = 100;

/** Each of several saves that share a write receives the result of its own write. */
describe("SaveQueues on a store in trouble", () => {
  let memory: MemorySessionStore;
  let store: HeldSessionStore;
  let saves: SaveQueues;

  beforeEach(() => {
    memory = new MemorySessionStore();
    store = new HeldSessionStore(memory);
    saves = queuesOf(store);
  });

  function queuesOf(of: HeldSessionStore | MemorySessionStore): SaveQueues {
    const bounded = new BoundedSessionStore(of, new Bounds(timeoutMs));
    return new SaveQueues({ store: bounded, timeoutMs, userIdOf });
  }

  function userIdOf(data: object): string | undefined {
    return (data as { user?: string }).user;
  }

  const open = () => openRecord(store, "a", { saves, timeoutMs, userIdOf });

  it("fails saves whose writes get no answer, even one that has waited for another, and stores them with a second try", async () => {
    await insert(memory, "a", { n: 0 });
    const [first, second] = (await Promise.all([open(), open()])) as [OpenRecord, OpenRecord];
    const held = store.hold("write", "request");
    store.hold("write", "request");
    first.session.first = 1;
    second.session.second = 1;
    const failing = first.record.save().catch((error) => error);
    await held.arrived;
    const failed = [failing, second.record.save().catch((error) => error)];
    for (const error of await Promise.all(failed)) expect(error).toMatchObject(unavailable);
    await assertStored(memory, "a", { n: 0 });
    await Promise.all([first.record.save(), second.record.save()]);
    await assertStored(memory, "a", { n: 0, first: 1, second: 1 });
  });

  it("does not write a save whose time was over before its turn came", async () => {
    await insert(memory, "a", {});
    const slow = queuesOf(store);
    const patient = new SaveQueues({
      store: new BoundedSessionStore(store, new Bounds(60_000)),
      timeoutMs,
      userIdOf,
    });
    const held = store.hold("write", "answer");
    const first = await openRecord(store, "a", { saves: patient, timeoutMs });
    const second = await openRecord(store, "a", { saves: patient, timeoutMs });
    first.session.first = 1;
    second.session.second = 1;
    const saving = first.record.save();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(second.record.save()).rejects.toMatchObject(unavailable);
    held.release();
    await saving;
    const third = await openRecord(store, "a", { saves: slow, timeoutMs });
    third.session.third = 1;
    await third.record.save();
    await assertStored(memory, "a", { first: 1, third: 1 });
    expect(store.writes).toBe(2);
  });

  // Each shares its write with no other: they waited one after the other, each for as long as all before it.
  it("fails all saves of one moment within the time of one, even those that are written alone", async () => {
    await insert(memory, "a", {});
    const records = await Promise.all(Array.from({ length: 6 }, open));
    for (const _ of records) store.hold("write", "request");
    const begun = performance.now();
    const saving = records.map(({ record, session }, at) => {
      session.user = `u${at}`;
      return record.save().catch((error: unknown) => error);
    });
    for (const error of await Promise.all(saving)) expect(error).toMatchObject(unavailable);
    expect(performance.now() - begun).toBeLessThan(3 * timeoutMs);
  });

  it("goes on after an unanswered write with the saves whose time is not over", async () => {
    await insert(memory, "a", {});
    const [first, second] = (await Promise.all([open(), open()])) as [OpenRecord, OpenRecord];
    store.hold("write", "answer");
    first.session.first = 1;
    const failing = first.record.save().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, timeoutMs / 2));
    second.session.second = 1;
    await second.record.save();
    expect(await failing).toMatchObject(unavailable);
    await assertStored(memory, "a", { first: 1, second: 1 });
  });

  it("fails no save because of what another save of the same write has sent", async () => {
    class Picky extends MemorySessionStore {
      override async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
        if ((next.data as unknown as Contents).poison) throw new Error("cannot be written");
        return super.write(sid, next, base);
      }
    }
    const picky = new Picky();
    saves = queuesOf(picky);
    await insert(picky, "a", {});
    const records = await Promise.all(
      Array.from({ length: 6 }, () => openRecord(picky, "a", { saves, timeoutMs })),
    );
    const outcomes = await Promise.all(
      records.map(({ record, session }, at) => {
        session[at === 3 ? "poison" : `key${at}`] = true;
        return record.save().then(
          () => "saved",
          (error: Error) => (error.cause as Error).message,
        );
      }),
    );
    expect(outcomes).toEqual(["saved", "saved", "saved", "cannot be written", "saved", "saved"]);
    await assertStored(picky, "a", { key0: true, key1: true, key2: true, key4: true, key5: true });
  });
});
