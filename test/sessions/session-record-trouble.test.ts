import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import type { WriteResult } from "../../lib/sessions/session-store.ts";
import {
  assertGone,
  assertStored,
  insert,
  readStored,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { eventually } from "../support/eventually.ts";
import { within } from "../support/within.ts";
import { HeldSessionStore } from "./held-session-store.ts";
import { openRecord } from "./open-record.ts";

const unavailable = { name: "SessionStackError", code: "ERR_STORE_UNAVAILABLE", status: 503 };
const timeoutMs = 50;

/** A session on a store that is slow, silent or busy. */
describe("SessionRecord on a store in trouble", () => {
  let memory: MemorySessionStore;
  let store: HeldSessionStore;

  beforeEach(() => {
    memory = new MemorySessionStore();
    store = new HeldSessionStore(memory);
  });

  it("saves with a second try what the store did not receive the first time", async () => {
    await insert(memory, "a", { n: 0 });
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    store.hold("write", "request");
    session.n = 1;
    await expect(record.save()).rejects.toMatchObject(unavailable);
    expect([record.hasChanges(), record.wasSaved, record.hasEnded]).toEqual([true, false, false]);
    await record.save();
    await assertStored(memory, "a", { n: 1 });
  });

  it("saves with a second try what the store received but did not answer", async () => {
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    store.hold("write", "answer");
    session.n = 1;
    await expect(record.save()).rejects.toMatchObject(unavailable);
    session.more = 2;
    await record.save();
    await assertStored(memory, "a", { n: 1, more: 2 });
    expect(record.hasChanges()).toBe(false);
  });

  it("deletes with a second try what the unanswered first save of a new session stored", async () => {
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    store.hold("write", "answer");
    Object.assign(session, { kept: 1, cart: ["a"] });
    await expect(record.save()).rejects.toMatchObject(unavailable);
    delete session.cart;
    await record.save();
    await assertStored(memory, "a", { kept: 1 });
  });

  it("takes back with a second try what an unanswered save changed", async () => {
    await insert(memory, "a", { n: 0 });
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    store.hold("write", "answer");
    Object.assign(session, { n: 1, added: 1 });
    await expect(record.save()).rejects.toMatchObject(unavailable);
    session.n = 0;
    delete session.added;
    await record.save();
    await assertStored(memory, "a", { n: 0 });
  });

  it("keeps what others saved after an unanswered save", async () => {
    await insert(memory, "a", { n: 0 });
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    store.hold("write", "answer");
    session.n = 1;
    await expect(record.save()).rejects.toMatchObject(unavailable);
    const theirs = await openRecord(memory, "a");
    theirs.session.theirs = 2;
    await theirs.record.save();
    await record.save();
    await assertStored(memory, "a", { n: 1, theirs: 2 });
  });

  it("leaves nothing stored of a session that was ended after an unanswered first save", async () => {
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    store.hold("write", "answer");
    session.n = 1;
    await expect(record.save()).rejects.toMatchObject(unavailable);
    await readStored(memory, "a");
    await record.remove("session_ended");
    await assertGone(memory, "a");
  });

  it("can be ended with a second try", async () => {
    await insert(memory, "a", { n: 0 });
    const { record } = await openRecord(store, "a", { timeoutMs });
    store.hold("remove", "request");
    await expect(record.remove("session_ended")).rejects.toMatchObject(unavailable);
    await expect(record.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    await record.remove("session_ended");
    await assertGone(memory, "a");
  });

  it("ends a save within timeoutMs when others never stop changing its session", async () => {
    class BusyStore extends MemorySessionStore {
      #turn = 0;

      /** Somebody else always comes first. */
      override async write(
        ...[sid, next, expected]: Parameters<MemorySessionStore["write"]>
      ): Promise<WriteResult> {
        await new Promise((resolve) => setImmediate(resolve));
        const current = await this.read(sid);
        await super.write(sid, snapshot({ turn: ++this.#turn }), current);
        return super.write(sid, next, expected);
      }
    }
    const busy = new BusyStore();
    const { record, session } = await openRecord(busy, "a", { timeoutMs });
    session.n = 1;
    const error: unknown = await within(record.save(), 5_000, "end of the save").catch((reason) => reason);
    expect(error).toMatchObject(unavailable);
    expect((await readStored(busy, "a")).data).not.toHaveProperty("n");
  });

  it("stops writing once a save under contention has failed", async () => {
    await insert(memory, "a", { n: 0 });
    const { record, session } = await openRecord(store, "a", { timeoutMs });
    const held = store.hold("write", "answer");
    session.n = 1;
    const theirs = await openRecord(memory, "a");
    theirs.session.theirs = 1;
    await theirs.record.save();
    await expect(record.save()).rejects.toMatchObject(unavailable);
    held.release();
    await eventually(() => expect(record.saving).toBeUndefined());
    expect(store.writes).toBe(1);
    await assertStored(memory, "a", { n: 0, theirs: 1 });
  });
});
