import type { Express } from "express";
import type { Backend, SessionStackError } from "../../lib/index.ts";
import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { afterThisTest, byOwner, indexed, me, places, type Served, serve, sidOf, signIn } from "./support.ts";

/** Stores data in the session of a browser. */
function set(served: Served, json: object, browser = served.browser()) {
  return browser.post("/set", { json }).then(() => browser);
}

/** Gives the session another age. */
function ageRoute(app: Express): void {
  app.post("/age/:ms", (req, res) => {
    req.session.cookie.maxAge = Number(req.params.ms);
    req.session.cookie.originalMaxAge = Number(req.params.ms);
    res.sendStatus(204);
  });
}

describe.each(places)("the index of a user's sessions on $place follows", ({ open }) => {
  let backend: Backend;

  beforeEach(async () => {
    backend = await open();
  });

  test("code that only sets a field, also to a number, and also later than the session began", async () => {
    const served = await serve({ backend, session: { userId: byOwner } });
    const [first, second] = [await set(served, { owner: 7 }), await set(served, { color: "red" })];
    expect(await indexed(backend, "7")).toEqual([sidOf(first)]);
    await set(served, { owner: "7" }, second);
    expect(await indexed(backend, "7")).toEqual([sidOf(first), sidOf(second)].sort());
    expect(await me(second)).toMatchObject({ login: { userId: "7", ip: "127.0.0.1" } });
    expect(await served.users.deleteUserSessions(7)).toMatchObject({ sessionsDeleted: 2 });
    for (const browser of [first, second]) expect(await me(browser)).toEqual({});
  });

  test("a logout that only deletes the field", async () => {
    const served = await serve({ backend, session: { userId: byOwner } });
    const browser = await set(served, { owner: "ada", color: "red" });
    await set(served, { owner: null }, browser);
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(await me(browser)).toEqual({ color: "red" });
    await served.users.deleteUserSessions("ada");
    expect(await me(browser)).toEqual({ color: "red" });
  });

  test("a change of user, there and back", async () => {
    const served = await serve({ backend, session: { userId: byOwner } });
    const browser = served.browser();
    for (const owner of ["ada", "grace", "ada"]) {
      await set(served, { owner }, browser);
      for (const user of ["ada", "grace"])
        expect(await indexed(backend, user)).toEqual(user === owner ? [sidOf(browser)] : []);
      expect(await me(browser)).toMatchObject({ owner, login: { userId: owner } });
    }
  });

  test("a change of user that another request made while this one ran", async () => {
    const served = await serve({ backend, session: { userId: byOwner } });
    const browser = await set(served, { owner: "ada" });
    const ws = await browser.webSocket("/ws");
    await set(served, { owner: "grace" }, browser);
    const held = served.opened[0]?.req.session as unknown as { color: string; save(): Promise<void> };
    held.color = "red";
    await held.save();
    ws.terminate();
    expect(await me(browser)).toMatchObject({ owner: "grace", color: "red", login: { userId: "grace" } });
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(await indexed(backend, "grace")).toEqual([sidOf(browser)]);
  });

  test("a regenerate without a login", async () => {
    const served = await serve({ backend });
    const browser = await signIn(served);
    await browser.post("/regenerate");
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(await me(browser)).toEqual({});
  });

  test("a session that is destroyed, by its request or through req.sessionStore by another", async () => {
    const served = await serve({
      backend,
      routes: (app) => {
        app.post("/destroy/:sid", (req, res, next) => {
          req.sessionStore.destroy(req.params.sid, (error) => (error ? next(error) : res.sendStatus(204)));
        });
      },
    });
    const browsers = [await signIn(served), await signIn(served), await signIn(served)];
    const ws = await browsers[1]?.webSocket("/ws");
    await browsers[0]?.post("/logout");
    await served.browser().post(`/destroy/${sidOf(browsers[1] as never)}`);
    if (ws) expect((await closed(ws)).code).toBe(4501);
    expect(await indexed(backend, "ada")).toEqual([sidOf(browsers[2] as never)]);
  });

  test("a session that is unset", async () => {
    const served = await serve({
      backend,
      session: { unset: "destroy" },
      routes: (app) => {
        app.post("/unset", (req, res) => {
          (req as { session: unknown }).session = null;
          res.sendStatus(204);
        });
      },
    });
    const browser = await signIn(served);
    await browser.post("/unset");
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(served.events).toEqual(["user_logged_in ada", "user_logged_out ada"]);
  });

  test("each touch and each save, so that the entry expires with the session", async () => {
    const served = await serve({ backend, session: { cookie: { maxAge: 3_600_000 }, touchAfterMs: 0 } });
    let usedAt = Date.now();
    const browser = await signIn(served);
    const expiry = async () => {
      const [entry] = await backend.sessionIndex.entries("ada");
      const [session] = await backend.sessions.expiries([sidOf(browser)]);
      // The two are written and read one after the other, so that time may lie between them.
      const slackMs = 1_100 + Date.now() - usedAt;
      expect(Math.abs((entry?.expiresAt ?? 0) - (session ?? 0))).toBeLessThan(slackMs);
      return entry?.expiresAt as number;
    };
    let last = await expiry();
    for (const use of [() => me(browser), () => set(served, { n: Math.random() }, browser)]) {
      last = await eventually(async () => {
        usedAt = Date.now();
        await use();
        const next = await expiry();
        expect(next).toBeGreaterThan(last);
        return next;
      });
    }
  });

  test("a session without an age, which expires when the store says", async () => {
    const served = await serve({ backend });
    const browser = await signIn(served);
    const [entry] = await backend.sessionIndex.entries("ada");
    expect(entry?.sid).toBe(sidOf(browser));
    expect((entry?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(86_390_000);
    expect((entry?.expiresAt ?? 0) - Date.now()).toBeLessThanOrEqual(86_400_000);
  });

  test("a session whose age is changed, longer and shorter", async () => {
    const served = await serve({ backend, routes: ageRoute });
    const browser = await signIn(served);
    for (const ms of [30 * 86_400_000, 60_000]) {
      const before = Date.now();
      await browser.post(`/age/${ms}`);
      const [entry] = await backend.sessionIndex.entries("ada");
      expect(entry?.expiresAt).toBeGreaterThanOrEqual(before + ms - 1_500);
      expect(entry?.expiresAt).toBeLessThanOrEqual(Date.now() + ms + 1_500);
    }
  });

  test("a session that expires, whose entry leaves the index once the user is listed", async () => {
    const served = await serve({ backend, routes: ageRoute });
    const [short, long, other] = [await signIn(served), await signIn(served), await signIn(served)];
    for (const browser of [short, long]) await browser.post("/age/1000");
    await backend.sessionIndex.extend("ada", sidOf(long), 60_000);
    await eventually(
      async () => {
        expect(await served.users.listUserSessions("ada")).toMatchObject([{ sid: sidOf(other) }]);
        expect(await indexed(backend, "ada")).toEqual([sidOf(long), sidOf(other)].sort());
      },
      { withinMs: 10_000 },
    );
    expect(await me(short)).toEqual({});
  });

  test("a login inside a WebSocket's authorize", async () => {
    const served = await serve({
      backend,
      webSocket: { authorize: (req, res) => logInHere(req, res) },
    });
    const logInHere = async (req: Parameters<typeof served.users.logIn>[0], _res: unknown) => {
      await served.users.logIn(req, "ada");
      return true;
    };
    const browser = served.browser();
    const ws = await browser.webSocket("/ws", { headers: { "user-agent": "a socket" } });
    expect(await served.users.listUserSessions("ada")).toMatchObject([
      { sid: sidOf(browser), connections: 1, userAgent: "a socket", ip: "127.0.0.1" },
    ]);
    expect(served.events).toEqual(["user_logged_in ada"]);
    await served.users.deleteUserSessions("ada");
    expect((await closed(ws)).code).toBe(4501);
    expect(await me(browser)).toEqual({});
  });

  test("no login on an open connection, which is refused without a cookie; the old session stays", async () => {
    const served = await serve({ backend });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    afterThisTest(() => ws.terminate());
    const req = served.opened[0]?.req as never;
    const error = await served.users.logIn(req, "grace").catch((reason: SessionStackError) => reason);
    expect(error).toMatchObject({ code: "ERR_SESSION_NOT_CARRIED" });
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
    expect(await indexed(backend, "grace")).toEqual([]);
  });
});
