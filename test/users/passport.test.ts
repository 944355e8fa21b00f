import express, { type RequestHandler } from "express";
import type { Session } from "express-session";
import passport from "passport";
import { Strategy } from "passport-local";
import type { Backend, UserSessionsOptions } from "../../lib/index.ts";
import { type Browser, closed, messages } from "../support/browser.ts";
import { beforeNext, indexed, me, places, type Served, serve, sidOf } from "./support.ts";

const monthMs = 30 * 86_400_000;

interface PassportUser {
  id: string;
}

/** What passport keeps in the session. */
function byPassport(session: object): string | undefined {
  return (session as { passport?: { user?: string } }).passport?.user;
}

/** An app as passport's own guide has it, whose middlewares are also those of its WebSockets. */
async function servePassport(backend: Backend, users: UserSessionsOptions = {}): Promise<Served> {
  const authenticator = new passport.Passport();
  authenticator.use(
    new Strategy((username, password, done) => done(null, password === "right" ? { id: username } : false)),
  );
  authenticator.serializeUser((user, done) => done(null, (user as PassportUser).id));
  authenticator.deserializeUser((id: string, done) => done(null, { id, name: `the user ${id}` }));
  const served = await serve({
    backend,
    users,
    session: { userId: byPassport },
    behindSession: [authenticator.initialize() as RequestHandler, authenticator.session() as RequestHandler],
    routes: (app) => {
      app.post("/passport/login", express.json(), authenticator.authenticate("local"), (req, res) => {
        // "Remember me", as passport's guides have it: after a login that has saved the session already.
        const { remember } = req.body as { remember?: boolean };
        if (remember !== undefined) Object.assign(req.session.cookie, { maxAge: remember && monthMs });
        res.json(req.user);
      });
      app.post(
        "/passport/login-keeping",
        express.json(),
        authenticator.authenticate("local", { keepSessionInfo: true }),
        (req, res) => {
          res.json(req.user);
        },
      );
      app.post("/passport/logout", (req, res, next) => {
        req.logout((error) => (error ? next(error) : res.sendStatus(204)));
      });
      app.get("/passport/user", (req, res) => void res.json({ user: req.user ?? null }));
    },
  });
  served.wsSessions.on("connection", (ws, req) => ws.send(JSON.stringify({ user: req.user ?? null })));
  return served;
}

async function logIn(served: Served, username = "ada", headers: object = {}): Promise<Browser> {
  const browser = served.browser();
  await submit(browser, username, headers);
  return browser;
}

async function submit(
  browser: Browser,
  username = "ada",
  headers: object = {},
  path = "login",
): Promise<void> {
  const json = { username, password: "right" };
  const response = await browser.post(`/passport/${path}`, { json, headers: { ...headers } });
  expect(response.json()).toEqual({ id: username });
}

async function userOf(browser: Browser): Promise<unknown> {
  return ((await browser.get("/passport/user")).json() as { user: unknown }).user;
}

const ada = { id: "ada", name: "the user ada" };

describe.each(places)("passport on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await servePassport(backend);
  });

  test("a login enters the session into the index, with its address and user agent", async () => {
    const browser = await logIn(served, "ada", { "user-agent": "a browser" });
    expect(await userOf(browser)).toEqual(ada);
    expect(await served.users.listUserSessions("ada")).toEqual([
      {
        sid: sidOf(browser),
        createdAt: expect.any(Number),
        lastSeenAt: expect.any(Number),
        expiresAt: expect.any(Number),
        ip: "127.0.0.1",
        userAgent: "a browser",
        current: false,
        connections: 0,
      },
    ]);
    expect(served.events).toEqual(["user_logged_in ada"]);
  });

  // Once, the month reached the browser, and the store kept the session for one day, without an age.
  test("a remembered login lives a month in store and browser, any other until the browser closes", async () => {
    for (const remember of [true, false]) {
      const browser = served.browser();
      const json = { username: "ada", password: "right", remember };
      const [line] = (await browser.post("/passport/login", { json })).setCookies;
      const sent = Date.parse(/Expires=([^;]*)/.exec(line ?? "")?.[1] ?? "");
      const kept = (await backend.sessions.read(sidOf(browser)))?.data.cookie;
      expect(kept?.originalMaxAge).toBe(remember ? monthMs : null);
      if (remember) expect(Math.abs(sent - Date.now() - monthMs)).toBeLessThan(10_000);
      else expect(sent).toBeNaN();
      const [expiresAt = 0] = await backend.sessions.expiries([sidOf(browser)]);
      expect(expiresAt - Date.now() > 2 * 86_400_000).toBe(remember);
    }
  });

  test("a login that is refused leaves no trace", async () => {
    const browser = served.browser();
    const json = { username: "ada", password: "wrong" };
    expect((await browser.post("/passport/login", { json })).status).toBe(401);
    expect(browser.cookies.size).toBe(0);
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(served.events).toEqual([]);
  });

  test("req.logout removes the session from the index, and its cookie opens nothing any more", async () => {
    const browser = await logIn(served);
    const cookie = new Map(browser.cookies);
    const ws = await browser.webSocket("/ws");
    expect((await browser.post("/passport/logout")).status).toBe(204);
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(await userOf(browser)).toBeNull();
    // passport gives the session a new id, which is 4009: reconnect, as nobody.
    expect((await closed(ws)).code).toBe(4009);
    const thief = served.browser();
    for (const [name, value] of cookie) thief.cookies.set(name, value);
    expect(await userOf(thief)).toBeNull();
    expect(await me(browser)).not.toHaveProperty("login");
    expect(served.events).toEqual(["user_logged_in ada", "user_logged_out ada"]);
  });

  test("deleteUserSessions signs the user out, on HTTP and on WebSocket", async () => {
    const [browser, other, grace] = [await logIn(served), await logIn(served), await logIn(served, "grace")];
    const ws = await other.webSocket("/ws");
    expect(await messages(ws).nextJson()).toEqual({ user: ada });
    const { sessionsDeleted, connectionsClosed } = await served.users.deleteUserSessions("ada", {
      except: sidOf(browser),
    });
    expect({ sessionsDeleted, connectionsClosed }).toEqual({ sessionsDeleted: 1, connectionsClosed: 1 });
    expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await userOf(other)).toBeNull();
    expect(await userOf(browser)).toEqual(ada);
    expect(await userOf(grace)).toMatchObject({ id: "grace" });
  });

  test("passport.initialize and passport.session give a connection its req.user", async () => {
    const browser = await logIn(served);
    const ws = await browser.webSocket("/ws");
    expect(await messages(ws).nextJson()).toEqual({ user: ada });
    expect(await served.users.listUserSessions("ada")).toMatchObject([{ connections: 1 }]);
    ws.terminate();
    const visitor = await served.browser().webSocket("/ws");
    expect(await messages(visitor).nextJson()).toEqual({ user: null });
    visitor.terminate();
  });

  test("the new id that passport gives with each login keeps the index right", async () => {
    const browser = served.browser();
    await browser.post("/set", { json: { cart: [1] } });
    const planted = sidOf(browser);
    await submit(browser);
    const first = sidOf(browser);
    expect(first).not.toBe(planted);
    expect(await indexed(backend, "ada")).toEqual([first]);
    await submit(browser);
    expect(sidOf(browser)).not.toBe(first);
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
    await submit(browser, "grace");
    expect(await indexed(backend, "ada")).toEqual([]);
    expect(await indexed(backend, "grace")).toEqual([sidOf(browser)]);
    expect(await served.users.verifyUserSessions("grace")).toEqual({ orphans: [], dangling: [] });
  });

  test("keepSessionInfo keeps the contents, and the login is the new one", async () => {
    const browser = served.browser();
    await browser.post("/set", { json: { cart: [1] } });
    await submit(browser, "ada", { "user-agent": "first" }, "login-keeping");
    expect(await me(browser)).toMatchObject({ cart: [1], login: { userId: "ada", userAgent: "first" } });
    await submit(browser, "grace", { "user-agent": "second" }, "login-keeping");
    expect(await me(browser)).toMatchObject({ cart: [1], login: { userId: "grace", userAgent: "second" } });
    expect(await indexed(backend, "ada")).toEqual([]);
  });

  test("maxSessionsPerUser ends the oldest login", async () => {
    const limited = await servePassport(backend, { maxSessionsPerUser: 1 });
    const oldest = await logIn(limited);
    const ws = await oldest.webSocket("/ws");
    const latest = await logIn(limited);
    expect((await closed(ws)).code).toBe(4501);
    expect(await userOf(oldest)).toBeNull();
    expect(await userOf(latest)).toEqual(ada);
  });

  test("a login that runs while the user's sessions are deleted is refused", async () => {
    beforeNext(backend.sessionIndex, "confirm", () => served.users.deleteUserSessions("ada"));
    const browser = served.browser();
    const json = { username: "ada", password: "right" };
    const response = await browser.post("/passport/login", { json });
    expect(response.status).toBe(401);
    expect(response.json()).toMatchObject({ code: "ERR_SESSION_DELETED" });
    expect(await userOf(browser)).toBeNull();
    expect(await indexed(backend, "ada")).toEqual([]);
  });

  test("a running request does not write its req.session back after the user was signed out", async () => {
    const browser = await logIn(served);
    (await browser.webSocket("/ws")).terminate();
    const held = served.opened[0]?.req.session as Session;
    await served.users.deleteUserSessions("ada");
    Object.assign(held, { color: "red" });
    await expect(held.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    expect(await userOf(browser)).toBeNull();
  });
});
