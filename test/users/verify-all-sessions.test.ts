import type { SessionData } from "express-session";
import session from "express-session";
import type { Backend } from "../../lib/index.ts";
import { besideOthers, living, sidsOf, storeSessions } from "./many-sessions.ts";
import {
  afterThisTest,
  beforeNext,
  indexed,
  me,
  places,
  redisPlace,
  type Served,
  serve,
  sidOf,
  signIn,
} from "./support.ts";

/** Once, after a migration, sessions that were not used since were not found, and no call could find all of them. */
describe.each(places)("verifyAllUserSessions on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
  });

  test("enters the sessions of all users that another program has written, while the app is in use", async () => {
    const known = await signIn(served);
    const users = Array.from({ length: 40 }, (_, n) => `user ${n}`);
    for (const user of users) await storeSessions(backend, user, sidsOf(user, 60), { isIndexed: false });
    await storeSessions(backend, "ada", sidsOf("ada", 60), { isIndexed: false });
    await served.browser().post("/set", { json: { color: "red" } });
    const { verifyAllUserSessions, verifyUserSessions, deleteUserSessions } = served.users;
    // One that is of nobody is not counted; that of grace, who uses the app meanwhile, may be.
    const within = (sessions: number) => [sessions, sessions + 1];
    const before = await verifyAllUserSessions();
    expect(before).toEqual({ sessions: 2_461, orphans: 2_460 });
    expect(await indexed(backend, "user 7")).toEqual([]);
    const found = await besideOthers(served, () => verifyAllUserSessions({ repair: true }));
    expect(within(2_461)).toContain(found.sessions);
    expect(found.orphans).toBe(2_460);
    expect(await verifyAllUserSessions()).toEqual({ sessions: 2_462, orphans: 0 });
    expect(await verifyUserSessions("user 7")).toEqual({ orphans: [], dangling: [] });
    const { expiresAt } = (await backend.sessionIndex.entries("user 7"))[0] as { expiresAt: number };
    expect(Math.abs(expiresAt - Date.now() - 3_600_000)).toBeLessThan(60_000);
    expect((await deleteUserSessions("ada")).sessionsDeleted).toBe(61);
    expect(await me(known)).toEqual({});
    expect(await living(backend, sidsOf("ada", 60))).toBe(0);
    expect(await living(backend, sidsOf("user 7", 60))).toBe(60);
  });

  test("ends the sessions that a failed deleteUserSessions has revoked, and no other user's", async () => {
    await storeSessions(backend, "ada", ["revoked", "changed hands"]);
    await backend.sessionIndex.revoke("ada", undefined);
    const stored = await backend.sessions.read("changed hands");
    if (!stored) throw new Error("unreachable");
    const data = { ...stored.data, login: { userId: "grace", at: 0 } } as SessionData;
    const takeOver = () =>
      backend.sessions.write("changed hands", { data, json: JSON.stringify(data) }, stored);
    beforeNext(backend.sessions, "expiries", takeOver);
    await served.users.verifyAllUserSessions({ repair: true });
    expect(await living(backend, ["revoked"])).toBe(0);
    expect(await living(backend, ["changed hands"])).toBe(1);
    expect(await backend.sessionIndex.revoked("ada")).toEqual([]);
  });

  test("loses no login that runs at the same time", async () => {
    await storeSessions(backend, "ada", sidsOf("ada", 600), { isIndexed: false });
    const browser = served.browser();
    beforeNext(backend.sessionIndex, "confirm", async () => {
      expect((await browser.post("/login", { json: { user: "ada" } })).status).toBe(200);
    });
    await served.users.verifyAllUserSessions({ repair: true });
    expect(await me(browser)).toHaveProperty("login");
    expect(await indexed(backend, "ada")).toEqual([...sidsOf("ada", 600), sidOf(browser)].sort());
  });
});

test("rejects with a TypeError if the store has no all()", async () => {
  class Small extends session.Store {
    get(_sid: string, done: (error: null, data: null) => void): void {
      done(null, null);
    }
    set(_sid: string, _data: SessionData, done?: () => void): void {
      done?.();
    }
    destroy(_sid: string, done?: () => void): void {
      done?.();
    }
  }
  const { backend } = await redisPlace();
  const { users } = await serve({ backend, session: { store: new Small() } });
  await expect(users.verifyAllUserSessions({ repair: true })).rejects.toThrow(/all\(\)/);
  await expect(users.verifyAllUserSessions({ repair: true })).rejects.toThrow(TypeError);
});

test("on Redis skips keys that are not sessions", async () => {
  const { backend, client, prefix } = await redisPlace();
  const served = await serve({ backend });
  await signIn(served);
  await client.set(`${prefix}sess:broken`, "{");
  afterThisTest(() => client.del(`${prefix}sess:broken`));
  expect(await served.users.verifyAllUserSessions({ repair: true })).toEqual({ sessions: 1, orphans: 0 });
  expect(await client.get(`${prefix}sess:broken`)).toBe("{");
});
