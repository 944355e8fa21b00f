import type { Express, Request, Response } from "express";
import expressSession from "express-session";
import type { SessionMiddlewareOptions } from "../../lib/index.ts";
import { data, indexed, me, places, type Served, serve, sidOf, signIn } from "../users/support.ts";

type Made = expressSession.Session & Record<string, unknown>;
type Use = (session: Made, req: Request, res: Response) => unknown;

/** Adds a route that works with a session that the app itself made from stored data. */
function routes(app: Express, uses: Record<string, Use>): void {
  const fail = (res: Response, error: unknown) => void res.status(500).json(String(error));
  for (const [name, use] of Object.entries(uses)) {
    app.post(`/created/${name}`, (req, res) => {
      req.sessionStore.get(req.sessionID, async (error, found) => {
        if (error || !found) return fail(res, error);
        const made = req.sessionStore.createSession(req, found) as unknown as Made;
        await Promise.resolve(use(made, req, res)).catch((reason) => fail(res, reason));
        if (!res.headersSent) res.json(null);
      });
    });
    app.post(`/loaded/${name}`, (req, res) => {
      req.sessionStore.load(req.sessionID, async (error, loaded) => {
        if (error || !loaded) return fail(res, error);
        await Promise.resolve(use(loaded as unknown as Made, req, res)).catch((reason) => fail(res, reason));
        if (!res.headersSent) res.json(null);
      });
    });
  }
}

const stores: [name: string, options: () => SessionMiddlewareOptions][] = [
  ["its own store", () => ({})],
  ["express-session's MemoryStore", () => ({ store: new expressSession.MemoryStore() })],
];

// Once, its changes were lost, and `logIn` on it ended the process and did not enter the user into the index.
describe.each(places)("on $place, a session that the app makes itself", ({ open }) => {
  describe.each(stores)("from data of %s", (_name, options) => {
    let served: Served;

    async function serveIt(uses: Record<string, Use>, more: SessionMiddlewareOptions = {}) {
      served = await serve({
        backend: await open(),
        session: { ...options(), ...more },
        routes: (app) => routes(app, uses),
      });
      return signIn(served);
    }

    test("by createSession keeps its changes, as with express-session", async () => {
      const browser = await serveIt({
        change: (made) => void Object.assign(made, { color: "red" }),
      });
      expect((await browser.post("/created/change")).status).toBe(200);
      expect(await me(browser)).toMatchObject({ color: "red", login: { userId: "ada" } });
    });

    test("by createSession merges with changes that others saved meanwhile", async () => {
      const browser = await serveIt({
        slow: async (made) => {
          made.mine = 1;
          await browser.post("/set", { json: { theirs: 2 } });
        },
      });
      await browser.post("/created/slow");
      expect(await me(browser)).toMatchObject({ mine: 1, theirs: 2 });
    });

    test("by createSession can log in and out", async () => {
      const browser = await serveIt({
        "log-in": async (_made, req) => served.users.logIn(req, "grace"),
      });
      const before = sidOf(browser);
      expect((await browser.post("/created/log-in")).status).toBe(200);
      expect(sidOf(browser)).not.toBe(before);
      expect(await served.users.listUserSessions("grace")).toMatchObject([{ sid: sidOf(browser) }]);
      expect((await served.users.deleteUserSessions("grace")).sessionsDeleted).toBe(1);
      expect(await me(browser)).toEqual({});
    });

    test("by load and put into req.session keeps its changes", async () => {
      const browser = await serveIt({
        put: (made, req) => {
          req.session = made as never;
          data(req).color = "blue";
        },
      });
      expect((await browser.post("/loaded/put")).status).toBe(200);
      expect(await me(browser)).toMatchObject({ color: "blue" });
    });

    test("by load saves, merges and ends like any other session", async () => {
      const browser = await serveIt({
        save: async (made) => {
          await browser.post("/set", { json: { theirs: 2 } });
          made.mine = 1;
          await made.save();
        },
        destroy: (made) => made.destroy(),
      });
      await browser.post("/loaded/save");
      expect(await me(browser)).toMatchObject({ mine: 1, theirs: 2 });
      expect((await browser.post("/loaded/destroy")).status).toBe(200);
      expect(await me(browser)).toEqual({});
    });

    test("by createSession sends its cookie with each response if rolling is on", async () => {
      const browser = await serveIt({ nothing: () => {} }, { rolling: true });
      expect((await browser.post("/created/nothing")).setCookies).toHaveLength(1);
    });
  });
});

// Once, the client kept the cookie of the ended session.
test("req.sessionStore.regenerate replaces the session by one with a new cookie", async () => {
  const backend = await (places[0] as (typeof places)[number]).open();
  const served = await serve({
    backend,
    routes: (app) => {
      app.post("/regenerated", (req, res, next) => {
        req.sessionStore.regenerate(req, (error) => {
          if (error) return next(error);
          data(req).fresh = true;
          res.json(null);
        });
      });
    },
  });
  const browser = await signIn(served);
  const before = sidOf(browser);
  expect((await browser.post("/regenerated")).status).toBe(200);
  expect(sidOf(browser)).not.toBe(before);
  expect(await me(browser)).toEqual({ fresh: true });
  expect(await backend.sessions.wasReplaced(before)).toBe(true);
  expect(await indexed(backend, "ada")).toEqual([]);
});

test("logIn refuses an object that is not a session of this package", async () => {
  const served = await serve({
    backend: await (places[0] as (typeof places)[number]).open(),
    routes: (app, users) => {
      app.post("/foreign", (req, res, next) => {
        req.session = new (expressSession as never as { Session: new (...args: unknown[]) => never }).Session(
          req,
          { cookie: req.session.cookie },
        );
        users.logIn(req, "ada").then(() => res.end(), next);
      });
    },
  });
  const answer = await (await signIn(served)).post("/foreign");
  expect(answer.json()).toMatchObject({
    name: "TypeError",
    message: expect.stringContaining("is not a session of this package"),
  });
});

test("a session that createSession has made is in the index", async () => {
  const backend = await (places[0] as (typeof places)[number]).open();
  const served = await serve({
    backend,
    routes: (app) => routes(app, { touch: (made) => void made.touch() }),
  });
  const browser = await signIn(served);
  await browser.post("/created/touch");
  expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
});
