import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import {
  answerNext,
  beforeNext,
  byOwner,
  data,
  gate,
  indexed,
  lost,
  me,
  places,
  type Served,
  serve,
  sidOf,
  signIn,
} from "./support.ts";

/** Lets the next call of a method fail, without being made. */
function failNext<T extends object>(target: T, method: keyof T & string): void {
  beforeNext(target, method, () => Promise.reject(new Error("no")));
}

/** Lets all calls of a method fail until the returned function is called. */
function failAll<T extends object>(target: T, method: keyof T & string): () => void {
  (target as Record<string, unknown>)[method] = () => Promise.reject(new Error("no"));
  return () => void Reflect.deleteProperty(target, method);
}

describe.each(places)(
  "on $place, no session that lives with a user is missing from the index",
  ({ open }) => {
    let backend: Backend;
    let served: Served;

    beforeEach(async () => {
      backend = await open();
      served = await serve({ backend, session: { userId: byOwner } });
    });

    test("when one request sets the user again while another still removes the user", async () => {
      const [arrived, go] = [gate(), gate()];
      const browser = served.browser();
      await browser.post("/set", { json: { owner: "ada" } });
      beforeNext(backend.sessionIndex, "removeMarked", () => {
        arrived.open();
        return go.opened;
      });
      // Of another node: on one node a save waits for the one before it.
      const other = (await serve({ backend, session: { userId: byOwner } })).browser();
      for (const [name, value] of browser.cookies) other.cookies.set(name, value);
      const logout = browser.post("/set", { json: { owner: null } });
      await arrived.opened;
      await other.post("/set", { json: { owner: "ada" } });
      go.open();
      await logout;
      const { owner } = await me(browser);
      expect(await indexed(backend, "ada")).toEqual(owner === "ada" ? [sidOf(browser)] : []);
      await served.users.deleteUserSessions("ada");
      expect(await me(browser)).not.toHaveProperty("owner");
    });

    test("when the index fails at the moment a deleteUserSessions overtakes a login", async () => {
      beforeNext(backend.sessions, "write", () => served.users.deleteUserSessions("ada"));
      failNext(backend.sessionIndex, "confirm");
      const browser = served.browser();
      await browser.post("/set", { json: { owner: "ada" } });
      const { owner } = await me(browser);
      expect(await indexed(backend, "ada")).toEqual(owner === "ada" ? [sidOf(browser)] : []);
    });

    test("when that login is saved again before the deleteUserSessions ends", async () => {
      const [arrived, go] = [gate(), gate()];
      let deleting: Promise<unknown> | undefined;
      const users = await serve({ backend });
      beforeNext(backend.sessions, "write", async () => {
        beforeNext(backend.sessionIndex, "removeRevoked", () => {
          arrived.open();
          return go.opened;
        });
        deleting = users.users.deleteUserSessions("ada");
        await arrived.opened;
      });
      failNext(backend.sessionIndex, "confirm");
      const browser = users.browser();
      // The end of the response saves what logIn could not.
      await browser.post("/login", { json: { user: "ada" } });
      go.open();
      await deleting;
      const { login } = await me(browser);
      expect(await indexed(backend, "ada")).toEqual(login ? [sidOf(browser)] : []);
    });

    test("when a login is saved again, with another age, after the answer to its first save was lost", async () => {
      const again = await serve({
        backend,
        session: { userId: byOwner },
        routes: (app) => {
          app.post("/login-twice", async (req, res) => {
            data(req).owner = "ada";
            req.session.cookie.maxAge = 1_000;
            await req.session.save().catch(() => {});
            req.session.cookie.maxAge = 60_000;
            await req.session.save();
            res.sendStatus(204);
          });
        },
      });
      answerNext(backend.sessions, "write", lost);
      expect((await again.browser().post("/login-twice")).status).toBe(204);
      const [entry] = await backend.sessionIndex.entries("ada");
      expect((entry?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(50_000);
    });

    test("when a call fails halfway and the next call excepts another session", async () => {
      const users = await serve({ backend });
      const [first, second] = [await signIn(users), await signIn(users)];
      const heal = failAll(backend.sessions, "remove");
      const failing = users.users.deleteUserSessions("ada", { except: sidOf(first) });
      await expect(failing).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
      heal();
      await users.users.deleteUserSessions("ada", { except: sidOf(second) });
      expect(await me(first)).toEqual({});
      // The first call had revoked it already, and what is revoked stays so.
      expect(await me(second)).toEqual({});
      expect(await indexed(backend, "ada")).toEqual([]);
    });

    test("when another program has written the session, and it is used here", async () => {
      const [saved, touched] = [served.browser(), served.browser()];
      const elsewhere = await serve({ backend, session: { userId: () => undefined } });
      for (const browser of [saved, touched]) {
        browser.cookies.clear();
        const { setCookies } = await elsewhere.browser().post("/set", { json: { owner: "ada" } });
        browser.cookies.set("connect.sid", setCookies[0]?.split(";")[0]?.split("=")[1] as string);
      }
      expect(await indexed(backend, "ada")).toEqual([]);
      await saved.post("/set", { json: { color: "red" } });
      const touching = await serve({ backend, session: { userId: byOwner, touchAfterMs: 0 } });
      const visitor = touching.browser();
      for (const [name, value] of touched.cookies) visitor.cookies.set(name, value);
      await me(visitor);
      expect(await indexed(backend, "ada")).toEqual([sidOf(saved), sidOf(touched)].sort());
    });
  },
);

describe.each(places)("the index on $place", ({ open }) => {
  let backend: Backend;

  beforeEach(async () => {
    backend = await open();
  });

  test("loses the entries of expired sessions when the user logs in, although no call asks for them", async () => {
    const short = await serve({ backend, session: { cookie: { maxAge: 1_500 } } });
    const long = await serve({ backend });
    const expired: string[] = [];
    const living = [sidOf(await signIn(long))];
    for (let n = 0; n < 10; n++) expired.push(sidOf(await signIn(short)));
    await eventually(async () => {
      for (const expiry of await backend.sessions.expiries(expired)) expect(expiry).toBeUndefined();
      for (const { sid, expiresAt } of await backend.sessionIndex.entries("ada"))
        if (!living.includes(sid)) expect(expiresAt).toBeLessThan(Date.now());
    });
    for (let n = 0; n < 3; n++) living.push(sidOf(await signIn(long)));
    await eventually(async () => expect(await indexed(backend, "ada")).toEqual(living.sort()));
  });

  test("counts living sessions in a receipt, not entries", async () => {
    const short = await serve({ backend, session: { cookie: { maxAge: 1_500 } } });
    const long = await serve({ backend });
    const expired = [sidOf(await signIn(short)), sidOf(await signIn(short))];
    await signIn(long);
    await eventually(async () => {
      for (const expiry of await backend.sessions.expiries(expired)) expect(expiry).toBeUndefined();
    });
    expect(await long.users.deleteUserSession("ada", expired[0] as string)).toBe(false);
    expect((await long.users.deleteUserSessions("ada")).sessionsDeleted).toBe(1);
  });

  test("may keep a leftover entry, and no call ends another user's session by it", async () => {
    const users = await serve({ backend });
    const grace = await signIn(users, "grace");
    await backend.sessionIndex.enter("ada", sidOf(grace), 60_000);
    expect(await users.users.deleteUserSession("ada", sidOf(grace))).toBe(false);
    await users.users.deleteUserSessions("ada");
    expect(await me(grace)).toMatchObject({ login: { userId: "grace" } });
    expect(await indexed(backend, "grace")).toEqual([sidOf(grace)]);
  });

  test("is repaired by verifyUserSessions after a deleteUserSessions that failed", async () => {
    const users = await serve({ backend });
    const browser = await signIn(users);
    const heal = failAll(backend.sessions, "remove");
    await expect(users.users.deleteUserSessions("ada")).rejects.toMatchObject({
      code: "ERR_STORE_UNAVAILABLE",
    });
    heal();
    await users.users.verifyUserSessions("ada", { repair: true });
    expect(await users.users.verifyUserSessions("ada")).toEqual({ orphans: [], dangling: [] });
    const { login } = await me(browser);
    expect(await indexed(backend, "ada")).toEqual(login ? [sidOf(browser)] : []);
  });
});
