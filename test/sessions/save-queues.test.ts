import { Bounds } from "../../lib/calls/bounds.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { SaveQueues } from "../../lib/sessions/saving/save-queues.ts";
import {
  assertGone,
  assertStored,
  insert,
  readStored,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { eventually } from "../support/eventually.ts";
import { HeldSessionStore } from "./held-session-store.ts";
import { type OpenRecord, openRecord, shown } from "./open-record.ts";

const deleted = { code: "ERR_SESSION_DELETED" };

const timeoutMs = 100;

/** Requests of one node that save one session. Once, each read, merged and wrote again for each of the others. */
describe("SaveQueues", () => {
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

  it.each([
    [1, "at once", async () => {}],
    [2, "while the first one is under way", () => new Promise((resolve) => setImmediate(resolve))],
  ])(
    "takes %i writes for 64 saves that come %s, one after the other, and loses none",
    async (writes, _when, begun) => {
      await insert(memory, "a", { shared: 0 });
      const records = await Promise.all(Array.from({ length: 64 }, open));
      const held = store.hold("write", "request");
      const saving: Promise<void>[] = [];
      for (const [at, { record, session }] of records.entries()) {
        session[`key${at}`] = at;
        saving.push(record.save());
        if (at === 0) await begun();
      }
      held.release();
      await Promise.all(saving);
      const { data } = await readStored(memory, "a");
      expect(Object.keys(data).filter((key) => key.startsWith("key"))).toHaveLength(64);
      expect([store.writes, store.mostWritesAtOnce]).toEqual([writes, 1]);
    },
  );

  it("shows each saver its own copy of what the others have stored", async () => {
    await insert(memory, "a", {});
    const [first, second, third] = (await Promise.all([open(), open(), open()])) as [
      OpenRecord,
      OpenRecord,
      OpenRecord,
    ];
    first.session.list = ["first"];
    second.session.n = 2;
    third.session.n = 3;
    await Promise.all([first.record.save(), second.record.save(), third.record.save()]);
    expect(shown(second)).toEqual({ list: ["first"], n: 3 });
    (second.session.list as string[]).push("second");
    expect(shown(third)).toEqual({ list: ["first"], n: 3 });
    await second.record.save();
    await assertStored(memory, "a", { list: ["first", "second"], n: 3 });
  });

  it("writes at once a save whose loaded state another save has replaced since", async () => {
    await insert(memory, "a", {});
    const [early, late] = (await Promise.all([open(), open()])) as [OpenRecord, OpenRecord];
    early.session.early = 1;
    await early.record.save();
    late.session.late = 1;
    await late.record.save();
    await assertStored(memory, "a", { early: 1, late: 1 });
    expect(store.writes).toBe(2);
  });

  it("stores the last of several values of one key, in the order in which they were saved", async () => {
    await insert(memory, "a", { n: -1 });
    const records = await Promise.all(Array.from({ length: 20 }, open));
    await Promise.all(
      records.map(({ record, session }, at) => {
        session.n = at;
        return record.save();
      }),
    );
    await assertStored(memory, "a", { n: 19 });
  });

  it("keeps what another node has stored between two writes", async () => {
    await insert(memory, "a", {});
    const mine = await Promise.all([open(), open(), open()]);
    const held = store.hold("write", "answer");
    const saving = mine.map(({ record, session }, at) => {
      session[`mine${at}`] = 1;
      return record.save();
    });
    await held.arrived;
    const theirs = await openRecord(memory, "a");
    theirs.session.theirs = 1;
    await theirs.record.save();
    held.release();
    await Promise.all(saving);
    await assertStored(memory, "a", { mine0: 1, mine1: 1, mine2: 1, theirs: 1 });
  });

  it("tells all savers that the session was ended meanwhile, and brings nothing back", async () => {
    await insert(memory, "a", {});
    const records = await Promise.all(Array.from({ length: 10 }, open));
    const held = store.hold("write", "request");
    const outcomes = records.map(({ record, session }, at) => {
      session.n = at;
      return record.save().catch((error: unknown) => error);
    });
    await held.arrived;
    await memory.remove("a", "session_ended");
    held.release();
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject(deleted);
    await assertGone(memory, "a");
  });

  it("refuses a save after a concurrent one has made the session expire", async () => {
    await insert(memory, "a", {});
    const [before, ending, after] = (await Promise.all([open(), open(), open()])) as [
      OpenRecord,
      OpenRecord,
      OpenRecord,
    ];
    const held = store.hold("write", "request");
    const outcomes = [before, ending, after].map(({ record, session }, at) => {
      session.n = at;
      if (at === 1) session.cookie.maxAge = -1;
      return record.save().then(
        () => "saved",
        (error: unknown) => error,
      );
    });
    await held.arrived;
    held.release();
    expect(await Promise.all(outcomes)).toEqual(["saved", "saved", expect.objectContaining(deleted)]);
    await assertGone(memory, "a");
  });

  it("reports each login and logout to its own saver, even among the saves of others", async () => {
    await insert(memory, "a", {});
    const told: unknown[] = [];
    const records = await Promise.all(
      [undefined, "ada", undefined, "bob", undefined].map(async (user, at) => {
        const opened = await openRecord(store, "a", {
          saves,
          timeoutMs,
          userIdOf,
          userChanged: async (_, before, after) => void told.push([at, before, after]),
        });
        if (user) opened.session.user = user;
        opened.session[`key${at}`] = at;
        return opened;
      }),
    );
    await Promise.all(records.map(({ record }) => record.save()));
    expect(told).toEqual([
      [1, undefined, "ada"],
      [3, "ada", "bob"],
    ]);
    await assertStored(memory, "a", { user: "bob", key0: 0, key1: 1, key2: 2, key3: 3, key4: 4 });
  });

  it("merges what is saved after the last save, without losing what others have stored", async () => {
    await insert(memory, "a", {});
    const [first, last] = (await Promise.all([open(), open()])) as [OpenRecord, OpenRecord];
    first.session.first = 1;
    last.session.last = 1;
    await Promise.all([first.record.save(), last.record.save({ isLast: true })]);
    last.session.late = 1;
    await last.record.save();
    await assertStored(memory, "a", { first: 1, last: 1, late: 1 });
  });

  it("does not wait for saves of other sessions", async () => {
    await insert(memory, "a", {});
    await insert(memory, "b", {});
    const a = await open();
    const b = await openRecord(store, "b", { saves, timeoutMs, userIdOf });
    const held = store.hold("write", "answer");
    a.session.n = b.session.n = 1;
    const saving = a.record.save();
    await held.arrived;
    await b.record.save();
    held.release();
    await saving;
    await eventually(async () => assertStored(memory, "a", { n: 1 }));
  });
});
