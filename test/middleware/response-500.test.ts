import express, { type Request, type Response } from "express";
import type { SessionData } from "express-session";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { browse, countUp, data, places, secret, sidOf, stored } from "./support.ts";

function expiry(session: SessionData | undefined): number {
  return new Date(String(session?.cookie.expires)).getTime();
}

describe.each(places)("on $place", ({ open }) => {
  async function visit(options: SessionMiddlewareOptions = {}) {
    const place = await open();
    const app = express();
    app.use(sessionMiddleware({ secret, ...options, ...place.options }));
    app.get("/", (req, res) => void res.json(countUp(req)));
    app.get("/read", (req, res) => void res.json(data(req).count ?? null));
    app.get("/status/:status", (req, res) => {
      countUp(req);
      res.status(Number(req.params.status)).end();
    });
    app.get("/throw", (req) => {
      countUp(req);
      throw new Error("a bug in the app");
    });
    app.get("/write-head", (req, res) => {
      countUp(req);
      res.writeHead(500, { "X-Own": "1" }).end("failed");
    });
    app.get("/saved-before", async (req: Request, res: Response) => {
      countUp(req);
      await req.session.save();
      res.sendStatus(500);
    });
    const browser = await browse(app);
    return { browser, held: () => stored(place.store, sidOf(browser)) };
  }

  test.each(["/status/500", "/throw", "/write-head"])(
    "does not change the session of a 500: %s",
    async (path) => {
      const { browser, held } = await visit({ cookie: { maxAge: 60_000 }, rolling: true });
      await browser.get("/");
      const before = await held();
      const response = await browser.get(path);
      expect([response.status, response.setCookies]).toEqual([500, []]);
      expect(await held()).toEqual(before);
      expect((await browser.get("/")).body).toBe("2");
    },
  );

  test.each(["/status/500", "/throw", "/write-head"])("begins no session with a 500: %s", async (path) => {
    const { browser } = await visit({ saveUninitialized: true });
    const response = await browser.get(path);
    expect([response.status, response.setCookies]).toEqual([500, []]);
  });

  test.each([501, 503, 404, 400])("saves with a %i as with any other response", async (status) => {
    const { browser, held } = await visit();
    const response = await browser.get(`/status/${status}`);
    expect([response.status, response.setCookies.length]).toEqual([status, 1]);
    expect(await held()).toMatchObject({ count: 1 });
  });

  test("keeps an explicit save before a 500", async () => {
    const { browser, held } = await visit();
    await browser.get("/");
    await browser.get("/saved-before");
    expect(await held()).toMatchObject({ count: 2 });
  });

  test("saves with a 500 when saveUnless says so", async () => {
    const { browser, held } = await visit({ saveUnless: () => false });
    const response = await browser.get("/throw");
    expect([response.status, response.setCookies.length]).toEqual([500, 1]);
    expect(await held()).toMatchObject({ count: 1 });
  });

  test("calls saveUnless with the response", async () => {
    const { browser, held } = await visit({ saveUnless: (res) => res.statusCode >= 400 });
    await browser.get("/");
    expect((await browser.get("/status/404")).setCookies).toEqual([]);
    expect(await held()).toMatchObject({ count: 1 });
    await browser.get("/status/201");
    expect(await held()).toMatchObject({ count: 2 });
  });

  test("saves and sends the cookie on every response with saveEveryRequest", async () => {
    const { browser, held } = await visit({ saveEveryRequest: true, cookie: { maxAge: 3_600_000 } });
    await browser.get("/");
    const before = await held();
    await eventually(async () => {
      expect((await browser.get("/read")).setCookies).toHaveLength(1);
      expect(expiry(await held())).toBeGreaterThan(expiry(before));
    });
    // An empty session is not saved. saveUninitialized is for that.
    browser.cookies.clear();
    expect((await browser.get("/read")).setCookies).toEqual([]);
  });
});
