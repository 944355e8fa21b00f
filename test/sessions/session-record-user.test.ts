import type { Session, SessionData } from "express-session";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import type { Base, SessionSnapshot, StoredSession, WriteResult } from "../../lib/sessions/session-store.ts";
import { assertStored, insert } from "../../lib/testing/session-store-suite/sessions.ts";
import { HeldSessionStore } from "./held-session-store.ts";
import { type OpenRecord, type OpenRecordOptions, openRecord } from "./open-record.ts";

/** Records the calls of a store with an index of users. */
class UserStore extends MemorySessionStore {
  /** The user of the session that each writer had loaded. */
  readonly loadedAs: (string | undefined)[] = [];

  override async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    this.loadedAs.push(base?.userId);
    return super.write(sid, next, base);
  }
}

function userOf(data: SessionData): string | undefined {
  return (data as { user?: string }).user;
}

/** A record knows whose session it is, and tells its owner when that changes. */
describe("SessionRecord of a user", () => {
  let store: UserStore;
  let held: HeldSessionStore;
  let changes: [before: string | undefined, after: string | undefined][];

  beforeEach(() => {
    store = new UserStore();
    held = new HeldSessionStore(store);
    changes = [];
  });

  function open(options: OpenRecordOptions = {}): Promise<OpenRecord> {
    const userChanged = async (_: Session, before: string | undefined, after: string | undefined) => {
      changes.push([before, after]);
    };
    return openRecord(held, "a", { userIdOf: userOf, userChanged, ...options });
  }

  it("has no user before a login is saved, and has the user afterwards", async () => {
    const { record, session } = await open();
    expect(record.userId).toBeUndefined();
    session.user = "ada";
    expect(record.userId).toBeUndefined();
    await record.save();
    expect(record.userId).toBe("ada");
    expect((await open()).record.userId).toBe("ada");
  });

  it("reports each login, change of user and logout once, and no other save", async () => {
    const { record, session } = await open();
    for (const user of [undefined, "ada", "ada", "bob", "bob", undefined, undefined]) {
      session.user = user;
      session.n = Math.random();
      await record.save();
    }
    expect(changes).toEqual([
      [undefined, "ada"],
      ["ada", "bob"],
      ["bob", undefined],
    ]);
  });

  it("tells the store the user of the session that the writer had loaded", async () => {
    const { record, session } = await open();
    for (const user of ["ada", "bob", undefined, "ada"]) {
      session.user = user;
      await record.save();
    }
    expect(store.loadedAs).toEqual([undefined, "ada", "bob", undefined]);
  });

  it("asks its owner before each save, and saves what the owner adds", async () => {
    const asked: (string | undefined)[] = [];
    const willSave = (session: Session, userId: string | undefined) => {
      asked.push(userId);
      Object.assign(session, { stamp: asked.length });
    };
    const { record, session } = await open({ willSave });
    session.user = "ada";
    await record.save();
    await assertStored(store, "a", { user: "ada", stamp: 1 });
    await record.save();
    await assertStored(store, "a", { user: "ada", stamp: 2 });
    expect(asked).toEqual([undefined, "ada"]);
    expect([record.hasChanges(), record.wasModified]).toEqual([false, true]);
  });

  it("saves nothing when its owner refuses, and can be saved later", async () => {
    let refusal: Error | undefined = new Error("no");
    const willSave = () => {
      if (refusal) throw refusal;
    };
    const { record, session } = await open({ willSave });
    session.user = "ada";
    await expect(record.save()).rejects.toBe(refusal);
    expect([store.loadedAs, changes, record.isStored]).toEqual([[], [], false]);
    refusal = undefined;
    await record.save();
    expect(changes).toEqual([[undefined, "ada"]]);
  });

  it("ends a save only when the owner has handled the change of user", async () => {
    let finish = () => {};
    const order: string[] = [];
    const userChanged = async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
        order.push("told");
      });
      order.push("done");
    };
    const { record, session } = await open({ userChanged });
    session.user = "ada";
    const saving = record.save().then(() => order.push("saved"));
    while (order.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(record.saving).toBeDefined();
    // It is stored by then, so that the owner may end it or others of the user.
    await assertStored(store, "a", { user: "ada" });
    finish();
    await saving;
    expect(order).toEqual(["told", "done", "saved"]);
  });

  it("does not report a login of another writer that it merges with, and has that user afterwards", async () => {
    await insert(store, "a", { n: 0 });
    const mine = await open();
    const theirs = await open();
    theirs.session.user = "ada";
    await theirs.record.save();
    mine.session.n = 1;
    await mine.record.save();
    expect(changes).toEqual([[undefined, "ada"]]);
    expect(mine.record.userId).toBe("ada");
    await assertStored(store, "a", { n: 1, user: "ada" });
  });

  it("reports a login over another that came in between as a change from that user", async () => {
    await insert(store, "a", {});
    const mine = await open();
    const theirs = await open();
    theirs.session.user = "ada";
    await theirs.record.save();
    mine.session.user = "bob";
    await mine.record.save();
    expect(changes).toEqual([
      [undefined, "ada"],
      ["ada", "bob"],
    ]);
    expect(store.loadedAs).toEqual([undefined, undefined, undefined, "ada"]);
  });

  it("takes over the user of the session at an update, and does not report it", async () => {
    await insert(store, "a", {});
    const mine = await open();
    const theirs = await open();
    theirs.session.user = "ada";
    await theirs.record.save();
    changes.length = 0;
    await mine.record.update();
    expect(mine.record.userId).toBe("ada");
    expect(changes).toEqual([]);
  });

  it("reports that the user is gone once the store has removed the session that it ends", async () => {
    await insert(store, "a", { user: "ada" });
    const found: (StoredSession | undefined)[] = [];
    const userChanged = async (_: Session, before?: string, after?: string) => {
      changes.push([before, after]);
      found.push(await store.read("a"));
    };
    const { record } = await open({ userChanged });
    await record.remove("session_ended");
    expect(changes).toEqual([["ada", undefined]]);
    expect(found).toEqual([undefined]);
  });

  it("reports nothing when it ends a session without a user, or one that could not be removed", async () => {
    await insert(store, "a", {});
    await (await open()).record.remove("session_ended");
    await insert(store, "a", { user: "ada" });
    const { record } = await open({ timeoutMs: 50 });
    held.hold("remove", "request");
    await expect(record.remove("session_ended")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    expect(changes).toEqual([]);
  });

  it("reports no login that finds the session gone", async () => {
    await insert(store, "a", {});
    const { record, session } = await open();
    await store.remove("a");
    session.user = "ada";
    await expect(record.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    expect(changes).toEqual([]);
  });

  it("reports a login with the second try if the store received the first try but did not answer", async () => {
    const { record, session } = await open({ timeoutMs: 50 });
    session.user = "ada";
    held.hold("write", "answer");
    await expect(record.save()).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    expect(changes).toEqual([]);
    await record.save();
    expect(record.userId).toBe("ada");
    expect(changes).toEqual([[undefined, "ada"]]);
  });
});
