import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  insert,
  readStored,
  sessionData,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { openRecord, shown } from "./open-record.ts";

/** One request or connection uses its session, one step at a time. */
describe("SessionRecord", () => {
  let store: MemorySessionStore;

  beforeEach(() => {
    store = new MemorySessionStore();
  });

  it("stores nothing before it is saved", async () => {
    const { record, session } = await openRecord(store, "a");
    session.n = 1;
    expect(record.isStored).toBe(false);
    await assertGone(store, "a");
    await record.save();
    expect(record.isStored).toBe(true);
    await assertStored(store, "a", { n: 1 });
  });

  it("knows whether there is anything to save", async () => {
    const { record, session } = await openRecord(store, "a");
    expect(record.hasChanges()).toBe(false);
    session.nested = { list: [1] };
    expect(record.hasChanges()).toBe(true);
    expect([record.wasSaved, record.wasModified]).toEqual([false, false]);
    await record.save();
    expect(record.hasChanges()).toBe(false);
    expect([record.wasSaved, record.wasModified]).toEqual([true, true]);
    (session.nested as { list: number[] }).list.push(2);
    expect(record.hasChanges()).toBe(true);
    (session.nested as { list: number[] }).list.pop();
    expect(record.hasChanges()).toBe(false);
    session.touch();
    session.absent = undefined;
    expect(record.hasChanges()).toBe(false);
    delete session.nested;
    expect(record.hasChanges()).toBe(true);
  });

  it("tells apart a save without changes and one with changes", async () => {
    await insert(store, "a", { n: 1 });
    const { record } = await openRecord(store, "a");
    await record.save();
    expect([record.wasSaved, record.wasModified]).toEqual([true, false]);
  });

  it("moves the expiry by the whole maxAge with each save, and never shortens it", async () => {
    const { record, session } = await openRecord(store, "a", { maxAge: 60_000 });
    const { originalMaxAge } = session.cookie;
    for (let save = 0; save < 20; save++) {
      const before = Date.now();
      await record.save();
      const [expiry] = await store.expiries(["a"]);
      expect(expiry).toBeGreaterThanOrEqual(before + (originalMaxAge as number));
    }
    expect(session.cookie.originalMaxAge).toBe(originalMaxAge);
  });

  it("saves its changes beside those of others, and then shows both", async () => {
    await insert(store, "a", { mine: 0, theirs: 0, both: 0, deleted: 0 });
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    Object.assign(theirs.session, { theirs: 2, both: 2, added: 2 });
    delete theirs.session.deleted;
    await theirs.record.save();
    Object.assign(mine.session, { mine: 1, both: 1 });
    await mine.record.save();
    const expected = { mine: 1, theirs: 2, both: 1, added: 2 };
    await assertStored(store, "a", expected);
    expect(shown(mine)).toEqual(expected);
    expect(mine.record.hasChanges()).toBe(false);
    expect(shown(theirs)).toEqual({ mine: 0, theirs: 2, both: 2, added: 2 });
  });

  it("writes back nothing that others deleted or changed when it saves without changes of its own", async () => {
    await insert(store, "a", { kept: 0, changed: 0, deleted: 0 });
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    theirs.session.changed = 1;
    delete theirs.session.deleted;
    await theirs.record.save();
    await mine.record.save();
    await assertStored(store, "a", { kept: 0, changed: 1 });
    expect(shown(mine)).toEqual({ kept: 0, changed: 1 });
  });

  it("merges with a session that was inserted under its id in the meantime", async () => {
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    theirs.session.theirs = 2;
    await theirs.record.save();
    mine.session.mine = 1;
    await mine.record.save();
    await assertStored(store, "a", { theirs: 2, mine: 1 });
  });

  it("takes over what others saved at an update, and keeps its unsaved changes", async () => {
    await insert(store, "a", { mine: 0, theirs: 0, both: 0 });
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    Object.assign(theirs.session, { theirs: 2, both: 2, added: 2 });
    await theirs.record.save();
    Object.assign(mine.session, { mine: 1, both: 1 });
    await mine.record.update();
    expect(shown(mine)).toEqual({ mine: 1, theirs: 2, both: 1, added: 2 });
    expect(mine.record.hasChanges()).toBe(true);
    await assertStored(store, "a", { mine: 0, theirs: 2, both: 2, added: 2 });
    await mine.record.save();
    await assertStored(store, "a", { mine: 1, theirs: 2, both: 1, added: 2 });
  });

  it("keeps a changed and unsaved cookie at an update", async () => {
    await insert(store, "a", {}, 60_000);
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    theirs.session.theirs = 1;
    await theirs.record.save();
    mine.session.cookie.maxAge = 3_600_000;
    await mine.record.update();
    expect(mine.session.cookie.maxAge).toBeGreaterThan(3_000_000);
    await mine.record.save();
    const { data } = await readStored(store, "a");
    expect(data.cookie.originalMaxAge).toBeGreaterThan(3_000_000);
  });

  it("takes over a cookie that others changed at an update", async () => {
    await insert(store, "a", {}, 60_000);
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    theirs.session.cookie.maxAge = 3_600_000;
    await theirs.record.save();
    await mine.record.update();
    expect(mine.session.cookie.maxAge).toBeGreaterThan(3_000_000);
    expect(mine.session.cookie.expires).toBeInstanceOf(Date);
  });

  it("puts others' changes of the cookie into the object that the app holds, and saves what the app then changes", async () => {
    await insert(store, "a", {}, 60_000);
    const mine = await openRecord(store, "a");
    const theirs = await openRecord(store, "a");
    const { cookie } = mine.session;
    theirs.session.cookie.maxAge = 3_600_000;
    await theirs.record.save();
    mine.session.n = 1;
    await mine.record.save();
    expect(cookie.originalMaxAge).toBe(3_600_000);
    expect(mine.record.hasChanges()).toBe(false);
    cookie.maxAge = 7_200_000;
    expect(mine.record.hasChanges()).toBe(true);
    await mine.record.save();
    expect((await readStored(store, "a")).data.cookie.originalMaxAge).toBe(7_200_000);
  });

  it("refuses a save, an update and a read once the session was ended elsewhere, and announces it", async () => {
    const deleted = { name: "SessionStackError", code: "ERR_SESSION_DELETED", status: 401 };
    for (const act of ["save", "update", "read"] as const) {
      await insert(store, act, { n: 1 });
      const { record, session } = await openRecord(store, act);
      await store.remove(act, "session_ended");
      const heard = announcements(store);
      session.n = 2;
      await expect(record[act]()).rejects.toMatchObject(deleted);
      expect([record.hasEnded, record.isStored]).toEqual([true, false]);
      expect(heard).toEqual([[act, "session_ended"]]);
      await assertGone(store, act);
    }
  });

  it("finds at a refresh that the session was ended elsewhere, and announces it", async () => {
    await insert(store, "a", { n: 1 });
    const { record } = await openRecord(store, "a");
    await record.refresh();
    expect(record.hasEnded).toBe(false);
    await store.remove("a", "session_ended");
    const heard = announcements(store);
    await record.refresh();
    expect(record.hasEnded).toBe(true);
    expect(heard).toEqual([["a", "session_ended"]]);
  });

  it("refuses a save after it has ended the session itself", async () => {
    await insert(store, "a", { n: 1 });
    const { record, session } = await openRecord(store, "a");
    const heard = announcements(store);
    await record.remove("session_replaced");
    expect(heard).toEqual([["a", "session_replaced"]]);
    session.n = 2;
    await expect(record.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    await assertGone(store, "a");
  });

  it("ends a session that was never stored without asking the store", async () => {
    const { record } = await openRecord(store, "a");
    const heard = announcements(store);
    await record.remove("session_ended");
    expect(heard).toEqual([]);
    await expect(record.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    await assertGone(store, "a");
  });

  it("ends the session at a save when its cookie has expired", async () => {
    await insert(store, "a", { n: 1 });
    const { record, session } = await openRecord(store, "a");
    const heard = announcements(store);
    session.cookie.maxAge = -1;
    await record.save();
    expect([record.hasEnded, record.isStored]).toEqual([true, false]);
    expect(heard).toEqual([["a", "session_ended"]]);
    await assertGone(store, "a");
  });

  it("rejects a save of contents that cannot be stored, and saves once they can", async () => {
    const { record, session } = await openRecord(store, "a");
    session.big = 1n;
    await expect(record.save()).rejects.toThrow(TypeError);
    await assertGone(store, "a");
    session.big = 1;
    await record.save();
    await assertStored(store, "a", { big: 1 });
  });

  it("stores only what was saved, not what is changed afterwards", async () => {
    const { record, session } = await openRecord(store, "a");
    session.nested = { list: [1] };
    await record.save();
    (session.nested as { list: number[] }).list.push(2);
    await store.refresh("a", sessionData({}));
    await assertStored(store, "a", { nested: { list: [1] } });
  });
});
