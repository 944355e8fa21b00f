import session, { type SessionData } from "express-session";
import { AnySessionStore } from "../../lib/sessions/any-session-store.ts";
import {
  assertGone,
  baseOf,
  called,
  sessionData,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";

type Answer<T = void> = (error?: unknown, value?: T) => void;

/** How errors of existing stores are handled. */
describe("AnySessionStore", () => {
  describe("when the store fails", () => {
    function failing(error: unknown, how: "throws" | "calls back" | "rejects"): AnySessionStore {
      const get = (_sid: string, callback: Answer<SessionData | null>): unknown => {
        if (how === "throws") throw error;
        // Once, this was an unhandled rejection, which ends the process.
        if (how === "rejects") return Promise.reject(error);
        return callback(error);
      };
      return AnySessionStore.over(Object.assign(new session.MemoryStore(), { get }), 1_000);
    }

    it.each(["throws", "calls back", "rejects"] as const)(
      "treats ENOENT, when it %s it, as no session",
      async (how) => {
        const store = failing(Object.assign(new Error("no such file"), { code: "ENOENT" }), how);
        await assertGone(store, "a");
        expect(await store.expiries(["a"])).toEqual([undefined]);
        expect(await store.refresh("a", sessionData({}))).toBe(false);
        expect(await store.write("a", snapshot({}), baseOf(snapshot({}), "1"))).toEqual({
          outcome: "deleted",
        });
        expect((await store.write("a", snapshot({}), undefined)).outcome).toBe("written");
      },
    );

    it.each(["throws", "calls back", "rejects"] as const)(
      "treats a SyntaxError, when it %s it, as an unreadable session",
      async (how) => {
        const store = failing(new SyntaxError('Unexpected token in "secret"'), how);
        const unreadable = { code: "ERR_SESSION_UNREADABLE" };
        await expect(store.read("a")).rejects.toMatchObject(unreadable);
        await expect(store.write("a", snapshot({}), undefined)).rejects.toMatchObject(unreadable);
      },
    );

    it.each(["throws", "calls back", "rejects"] as const)(
      "passes on any other error that it %s",
      async (how) => {
        const error = new Error("ECONNREFUSED");
        const store = failing(error, how);
        await expect(store.read("a")).rejects.toBe(error);
        await expect(store.write("a", snapshot({}), baseOf(snapshot({}), "1"))).rejects.toBe(error);
        await expect(store.refresh("a", sessionData({}))).rejects.toBe(error);
        // A failed call does not block the next one.
        await store.remove("a", "session_ended");
      },
    );
  });

  it("reports a session without a cookie as unreadable", async () => {
    const store = new session.MemoryStore();
    const adapter = AnySessionStore.over(store, 1_000);
    for (const data of [{}, { cookie: null }, { cookie: "a" }]) {
      await called((done) => store.set("a", data as unknown as SessionData, done));
      await expect(adapter.read("a")).rejects.toMatchObject({ code: "ERR_SESSION_UNREADABLE" });
      expect(await called<SessionData | null>((done) => store.get("a", done))).toEqual(data);
    }
  });
});
