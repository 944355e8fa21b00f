import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import {
  assertGone,
  assertStored,
  insert,
  readStored,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { HeldSessionStore } from "./held-session-store.ts";
import { openRecord, shown } from "./open-record.ts";

const deleted = { code: "ERR_SESSION_DELETED" };

/** One request or connection uses its session while another step is under way. */
describe("SessionRecord", () => {
  let memory: MemorySessionStore;
  let store: HeldSessionStore;

  beforeEach(() => {
    memory = new MemorySessionStore();
    store = new HeldSessionStore(memory);
  });

  describe("with overlapping saves", () => {
    it("writes once for all saves that are requested during a save, with the session's state by then", async () => {
      const { record, session } = await openRecord(store, "a");
      const held = store.hold("write", "answer");
      session.n = 0;
      const first = record.save();
      await held.arrived;
      const others = Array.from({ length: 10 }, (_, index) => {
        session.n = index + 1;
        return record.save();
      });
      session.n = 11;
      held.release();
      await Promise.all([first, ...others]);
      await assertStored(memory, "a", { n: 11 });
      expect([store.writes, store.mostWritesAtOnce]).toEqual([2, 1]);
    });

    it("never has two writes under way, whenever the next save is requested", async () => {
      const { record, session } = await openRecord(store, "a");
      for (let gap = 0; gap < 8; gap++) {
        const held = store.hold("write", "answer");
        session.n = `${gap} first`;
        const first = record.save();
        await held.arrived;
        session.n = `${gap} second`;
        const second = record.save();
        held.release();
        // A moment in which the first save has ended and the second has not begun is among these.
        await first;
        for (let microtask = 0; microtask < gap; microtask++) await undefined;
        session.n = `${gap} third`;
        await Promise.all([second, record.save()]);
        await assertStored(memory, "a", { n: `${gap} third` });
      }
      expect(store.mostWritesAtOnce).toBe(1);
    });

    it("does not fail a save because the one before it failed", async () => {
      const { record, session } = await openRecord(store, "a");
      const held = store.hold("write", "request");
      session.n = 1n;
      const first = record.save();
      const second = record.save();
      session.n = 2;
      held.release();
      await expect(first).rejects.toThrow(TypeError);
      await second;
      await assertStored(memory, "a", { n: 2 });
    });

    it("tells when the save that is under way is done, even if it fails", async () => {
      const { record, session } = await openRecord(store, "a");
      expect(record.saving).toBeUndefined();
      session.n = 1n;
      const failing = record.save();
      const { saving } = record;
      await expect(failing).rejects.toThrow(TypeError);
      await expect(saving).resolves.toBeUndefined();
      expect(record.saving).toBeUndefined();
    });
  });

  describe("with changes during a save", () => {
    it("keeps them, unsaved, for the next save", async () => {
      await insert(memory, "a", { before: 0, during: 0 });
      const { record, session } = await openRecord(store, "a");
      const held = store.hold("write", "request");
      session.before = 1;
      const saving = record.save();
      await held.arrived;
      session.during = 1;
      session.nested = { more: true };
      held.release();
      await saving;
      await assertStored(memory, "a", { before: 1, during: 0 });
      expect(record.hasChanges()).toBe(true);
      await record.save();
      await assertStored(memory, "a", { before: 1, during: 1, nested: { more: true } });
    });

    it("keeps them over what others saved, and shows the rest of what they saved", async () => {
      await insert(memory, "a", { mine: 0, theirs: 0, during: 0, deleted: 0 });
      const mine = await openRecord(store, "a");
      const theirs = await openRecord(memory, "a");
      Object.assign(theirs.session, { theirs: 2, during: 2, deleted: 2, more: 2 });
      await theirs.record.save();
      const held = store.hold("write", "request");
      mine.session.mine = 1;
      const saving = mine.record.save();
      await held.arrived;
      mine.session.during = 1;
      delete mine.session.deleted;
      held.release();
      await saving;
      await assertStored(memory, "a", { mine: 1, theirs: 2, during: 2, deleted: 2, more: 2 });
      expect(shown(mine)).toEqual({ mine: 1, theirs: 2, during: 1, more: 2 });
      await mine.record.save();
      await assertStored(memory, "a", { mine: 1, theirs: 2, during: 1, more: 2 });
    });

    it("keeps a cookie that was changed while others' saves were merged", async () => {
      await insert(memory, "a", {}, 60_000);
      const mine = await openRecord(store, "a");
      const theirs = await openRecord(memory, "a");
      theirs.session.theirs = 1;
      await theirs.record.save();
      const held = store.hold("write", "request");
      const saving = mine.record.save();
      await held.arrived;
      mine.session.cookie.maxAge = 3_600_000;
      held.release();
      await saving;
      await mine.record.save();
      expect((await readStored(memory, "a")).data.cookie.originalMaxAge).toBeGreaterThan(3_000_000);
    });
  });

  describe("that is ended", () => {
    it.each(["request", "answer"] as const)(
      "during its first save, held at the %s, leaves nothing stored",
      async (where) => {
        const { record, session } = await openRecord(store, "a");
        const held = store.hold("write", where);
        session.n = 1;
        const saving = record.save().catch((error: unknown) => error);
        const second = record.save().catch((error: unknown) => error);
        await held.arrived;
        const removing = record.remove("session_ended");
        held.release();
        await removing;
        await assertGone(memory, "a");
        await saving;
        expect(await second).toMatchObject(deleted);
        await assertGone(memory, "a");
      },
    );

    it("by another during a save is not written back, and the save is refused", async () => {
      await insert(memory, "a", { n: 0 });
      const { record, session } = await openRecord(store, "a");
      const held = store.hold("write", "request");
      session.n = 1;
      const saving = record.save();
      await held.arrived;
      await memory.remove("a", "session_ended");
      held.release();
      await expect(saving).rejects.toMatchObject(deleted);
      await assertGone(memory, "a");
    });

    it("refuses saves from the moment that its end is requested", async () => {
      await insert(memory, "a", { n: 0 });
      const { record, session } = await openRecord(store, "a");
      const held = store.hold("remove", "request");
      const removing = record.remove("session_ended");
      session.n = 1;
      await expect(record.save()).rejects.toMatchObject(deleted);
      held.release();
      await removing;
      await assertGone(memory, "a");
    });
  });
});
