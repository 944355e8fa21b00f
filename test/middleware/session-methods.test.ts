import express, { type NextFunction, type Request, type Response } from "express";
import { sessionMiddleware } from "../../lib/index.ts";
import { browse, countUp, data, places, secret, sidOf, stored } from "./support.ts";

describe.each(places)("on $place", ({ open }) => {
  async function visit(handler: (req: Request, res: Response, next: NextFunction) => unknown) {
    const { options, store } = await open();
    const app = express();
    app.use(sessionMiddleware({ secret, cookie: { maxAge: 60_000 }, ...options }));
    app.get("/count", (req, res) => void res.json(countUp(req)));
    app.get("/", handler);
    const browser = await browse(app);
    await browser.get("/count");
    return { browser, store, held: () => stored(store, sidOf(browser)) };
  }

  test("save resolves to undefined after the session is stored", async () => {
    const { browser, held } = await visit(async (req, res) => {
      countUp(req);
      const saved = await req.session.save();
      res.json([saved === undefined, await held()]);
    });
    expect((await browser.get("/")).json()).toMatchObject([true, { count: 2 }]);
  });

  test("save with a callback returns the session and calls back with no error", async () => {
    const { browser } = await visit((req, res) => {
      const { session } = req;
      const returned = session.save((...args) => {
        res.json([returned === session, args.length <= 2 && !args[0]]);
      });
    });
    expect((await browser.get("/")).json()).toEqual([true, true]);
  });

  test("reload creates a new req.session of the same id with the stored data", async () => {
    const { browser } = await visit(async (req, res) => {
      const before = req.session;
      countUp(req);
      await before.reload();
      res.json([data(req).count, req.session !== before, req.session.id === before.id]);
    });
    expect((await browser.get("/")).json()).toEqual([1, true, true]);
  });

  test("destroy removes the session from the store and from the request", async () => {
    const { browser, held } = await visit(async (req, res) => {
      await req.session.destroy();
      res.json([req.session === undefined, (await held()) === undefined]);
    });
    expect((await browser.get("/")).json()).toEqual([true, true]);
  });

  test("regenerate ends the old session and gives the request an empty one with a new id", async () => {
    const { browser, store } = await visit(async (req, res) => {
      const { id } = req.session;
      await req.session.regenerate();
      data(req).kept = "fresh";
      res.json([id, req.sessionID, req.session.id, data(req).count ?? null]);
    });
    const response = await browser.get("/");
    const [before, after, same, count] = response.json() as [string, string, string, null];
    expect([after !== before, same === after, count]).toEqual([true, true, null]);
    expect(sidOf(browser)).toBe(after);
    expect([await stored(store, before), await stored(store, after)]).toMatchObject([
      undefined,
      { kept: "fresh" },
    ]);
  });

  test("a session that was replaced can no longer save itself", async () => {
    const { browser, store } = await visit(async (req, res) => {
      const old = req.session;
      await old.regenerate();
      data(req).kept = "fresh";
      Object.assign(old, { count: 99 });
      const code = await old.save().then(
        () => "saved",
        (error) => error.code,
      );
      res.json([old.id, code]);
    });
    const [oldId, code] = (await browser.get("/")).json() as [string, string];
    expect([code, await stored(store, oldId)]).toEqual(["ERR_SESSION_DELETED", undefined]);
    expect(await stored(store, sidOf(browser))).toMatchObject({ kept: "fresh" });
  });

  test("overlapping saves store the last state", async () => {
    const { browser, held } = await visit(async (req, res) => {
      const saves = [];
      for (let n = 0; n < 20; n++) {
        countUp(req);
        saves.push(req.session.save());
      }
      await Promise.all(saves);
      res.json((await held()) as object);
    });
    expect((await browser.get("/")).json()).toMatchObject({ count: 21 });
  });

  test("an explicit save moves the expiry and keeps the age, however often it is called", async () => {
    const { browser } = await visit(async (req, res) => {
      req.session.cookie.expires = new Date(Date.now() + 30_000);
      req.session.cookie.originalMaxAge = 60_000;
      for (let n = 0; n < 10; n++) await req.session.save();
      res.json([req.session.cookie.originalMaxAge, req.session.cookie.maxAge]);
    });
    const [age, left] = (await browser.get("/")).json() as [number, number];
    expect(age).toBe(60_000);
    expect(left).toBeGreaterThan(55_000);
  });

  test("a changed age is kept, also by a request that changes nothing else", async () => {
    // express-session keeps it with stores whose touch writes the cookie, and loses it with connect-redis.
    const { browser, held } = await visit((req, res) => {
      req.session.cookie.maxAge = 600_000;
      res.json(req.session.cookie.originalMaxAge);
    });
    // Its Cookie computes the age from the clock, which may have moved by then.
    const age = (await browser.get("/")).json();
    expect(age).toBeGreaterThan(599_000);
    expect((await held())?.cookie.originalMaxAge).toBe(age);
    await browser.get("/count");
    const left = new Date(String((await held())?.cookie.expires)).getTime() - Date.now();
    expect(left).toBeGreaterThan(590_000);
  });

  test("the age does not shrink over many visits", async () => {
    const { browser } = await visit((req, res) => {
      countUp(req);
      res.json(req.session.cookie.originalMaxAge);
    });
    const ages = new Set<string>();
    for (let n = 0; n < 20; n++) ages.add((await browser.get("/")).body);
    expect([...ages]).toEqual(["60000"]);
  });

  test("data with the names of the session's own members does not replace them", async () => {
    const { browser, store } = await visit((req, res) => {
      const { session } = req;
      res.json([typeof session.save, typeof session.touch, session.id === req.sessionID, data(req).count]);
    });
    const sid = sidOf(browser);
    const found = await stored(store, sid);
    await new Promise<void>((resolve, reject) => {
      const spoilt = { ...found, save: "x", touch: 1, id: "forged", req: {}, count: 5 };
      store.set(sid, spoilt as never, (error) => (error ? reject(error) : resolve()));
    });
    expect((await browser.get("/")).json()).toEqual(["function", "function", true, 5]);
  });
});
