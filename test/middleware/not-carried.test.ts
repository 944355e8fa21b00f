import express, { type NextFunction, type Request, type Response } from "express";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { serveOverTls } from "./over-tls.ts";
import { browse, countUp, places, secret, sidOf, stored } from "./support.ts";

const failed = (
  error: { code?: string; status?: number },
  _req: Request,
  res: Response,
  _next: NextFunction,
) => {
  if (res.headersSent) res.end(error.code);
  else res.status(error.status ?? 500).json({ code: error.code });
};

describe.each(places)("on $place", ({ open }) => {
  async function appWith(options: SessionMiddlewareOptions) {
    const place = await open();
    const ids: string[] = [];
    const genid = () => {
      ids.push(`id-${ids.length}`);
      return ids.at(-1) as string;
    };
    const app = express();
    app.use(sessionMiddleware({ secret, genid, ...options, ...place.options }).on("error", () => {}));
    app.get("/", (req, res) => void res.json(countUp(req)));
    app.get("/save", (req, res, next) => {
      countUp(req);
      req.session.save().then(() => res.json("saved"), next);
    });
    app.get("/late", (req, res) => {
      res.write("head");
      countUp(req);
      res.end();
    });
    app.get("/late-save", (req, res, next) => {
      res.write("head ");
      countUp(req);
      req.session.save().then(() => res.end("saved"), next);
    });
    app.get("/late-regenerate", (req, res, next) => {
      res.write("head ");
      req.session.regenerate().then(() => res.end("regenerated"), next);
    });
    app.use(failed);
    const storedIds = async () => {
      const found = await Promise.all(ids.map(async (id) => ((await stored(place.store, id)) ? [id] : [])));
      return found.flat();
    };
    return { app, browser: await browse(app), storedIds };
  }

  describe("a secure cookie on plain HTTP", () => {
    const options: SessionMiddlewareOptions = { cookie: { secure: true } };

    test("a new session is not stored, because no client could find it again", async () => {
      const { browser, storedIds } = await appWith(options);
      const response = await browser.get("/");
      expect([response.status, response.body, response.setCookies]).toEqual([200, "1", []]);
      expect(await storedIds()).toEqual([]);
    });

    test("a new session is not stored with saveUninitialized either", async () => {
      const { browser, storedIds } = await appWith({ ...options, saveUninitialized: true });
      await browser.get("/");
      expect(await storedIds()).toEqual([]);
    });

    test("an explicit save rejects with the reason", async () => {
      const { browser, storedIds } = await appWith(options);
      const response = await browser.get("/save");
      expect([response.status, response.json()]).toEqual([500, { code: "ERR_SESSION_NOT_CARRIED" }]);
      expect(await storedIds()).toEqual([]);
    });

    test("a session that began over TLS is loaded and saved, and its cookie is not sent without TLS", async () => {
      const { app, browser, storedIds } = await appWith({ ...options, rolling: true });
      const overTls = await serveOverTls(app);
      const [line] = await overTls("/");
      const cookie = String(line).split(";")[0];
      const response = await browser.get("/", { headers: { cookie } });
      expect([response.body, response.setCookies]).toEqual(["2", []]);
      expect(await storedIds()).toEqual([sidOf(line)]);
    });
  });

  test('secure: "auto" sets a secure cookie over TLS without a proxy, whatever the option proxy is', async () => {
    for (const options of [{}, { proxy: false }, { proxy: true }]) {
      const { app } = await appWith({ cookie: { secure: "auto", sameSite: "auto" }, ...options });
      const [line] = await (await serveOverTls(app))("/");
      expect(line).toMatch(/; Secure; SameSite=None$/);
    }
  });

  describe("after the head was sent", () => {
    test("a new session is not stored, and the response is complete", async () => {
      const { browser, storedIds } = await appWith({});
      const response = await browser.get("/late");
      expect([response.status, response.body, response.setCookies]).toEqual([200, "head", []]);
      expect(await storedIds()).toEqual([]);
    });

    test("an explicit save of a new session rejects with the reason", async () => {
      const { browser, storedIds } = await appWith({});
      expect((await browser.get("/late-save")).body).toBe("head ERR_SESSION_NOT_CARRIED");
      expect(await storedIds()).toEqual([]);
    });

    test("a session whose cookie the client has is saved as usual", async () => {
      const { browser, storedIds } = await appWith({});
      await browser.get("/");
      expect((await browser.get("/late-save")).body).toBe("head saved");
      expect((await browser.get("/")).body).toBe("3");
      expect(await storedIds()).toEqual([sidOf(browser)]);
    });

    test("regenerate rejects and keeps the session, because the new id could not be sent", async () => {
      const { browser } = await appWith({});
      await browser.get("/");
      expect((await browser.get("/late-regenerate")).body).toBe("head ERR_SESSION_NOT_CARRIED");
      expect((await browser.get("/")).body).toBe("2");
    });
  });
});
