import type { Request } from "express";
import session from "express-session";
import type { SessionMiddlewareOptions } from "../../lib/index.ts";
import { endingApp, gone, type Handler } from "./ending-app.ts";
import { serveOverTls } from "./over-tls.ts";
import { browse, countUp, places, sidOf, versions } from "./support.ts";

/** A store that can lock its sessions. */
class LockableStore extends session.MemoryStore {
  isLocked = false;

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    if (this.isLocked) callback?.(new Error("locked"));
    else super.destroy(sid, callback);
  }
}

describe.each(versions)("in $version", ({ createApp }) => {
  describe.each(places)("on $place", ({ open }) => {
    async function visit(end: Handler, options: SessionMiddlewareOptions = {}) {
      const place = await open();
      const app = endingApp(createApp(), { ...place.options, ...options }, end);
      return { app, browser: await browse(app), store: place.store };
    }

    test("a replaced session leaves one Set-Cookie line, with the new id", async () => {
      const replace: Handler[] = [
        (req, res) =>
          void req.session.regenerate(() => {
            countUp(req);
            res.end();
          }),
        (req, res) => void req.session.regenerate(() => res.end()),
        (req, res) =>
          void req.session.destroy(() => {
            (req.sessionStore as unknown as { generate(req: Request): void }).generate(req);
            countUp(req);
            res.end();
          }),
      ];
      for (const end of replace) {
        const { browser } = await visit(end);
        await browser.get("/");
        const before = sidOf(browser);
        const { setCookies } = await browser.get("/end");
        expect(setCookies).toHaveLength(1);
        expect(sidOf(setCookies[0])).not.toBe("");
        expect(sidOf(setCookies[0])).not.toBe(before);
      }
    });

    test("a cookie that the app itself expires or sets is not changed", async () => {
      const own: Handler[] = [
        (_req, res) => res.clearCookie("connect.sid"),
        (_req, res) => res.cookie("connect.sid", "mine", { path: "/" }),
        (_req, res) => res.setHeader("set-cookie", "connect.sid=mine;path=/"),
        (_req, res) => res.writeHead(200, { "Set-Cookie": "connect.sid=mine; Path=/" }),
      ];
      for (const write of own) {
        const { browser } = await visit(async (req, res) => {
          await req.session.destroy();
          write(req, res);
          res.end();
        });
        await browser.get("/");
        const { setCookies } = await browser.get("/end");
        expect(setCookies).toHaveLength(1);
      }
    });

    test("cookies with other names, domains and paths are left unchanged", async () => {
      const { browser } = await visit(async (req, res) => {
        res.cookie("connect.sid.other", "1").cookie("connect.sid", "2", { path: "/elsewhere" });
        await req.session.destroy();
        res.end();
      });
      await browser.get("/");
      const { setCookies } = await browser.get("/end");
      expect(setCookies).toEqual(["connect.sid.other=1; Path=/", "connect.sid=2; Path=/elsewhere", gone]);
    });

    // Once, this line was withheld. But the session is gone, whatever the response is.
    test("a response that saves nothing because of saveUnless, such as a 500, also expires the cookie", async () => {
      const { browser } = await visit(async (req, res) => {
        await req.session.destroy();
        res.status(500).end();
      });
      await browser.get("/");
      expect((await browser.get("/end")).setCookies).toEqual([gone]);
    });

    test("after the head no line is sent, and the response is complete", async () => {
      const { browser } = await visit(async (req, res) => {
        res.write("by");
        await req.session.destroy();
        res.end("e");
      });
      await browser.get("/");
      const { body, setCookies } = await browser.get("/end");
      expect([body, setCookies]).toEqual(["bye", []]);
    });

    test("a session that stays stored although it was unset keeps its cookie", async () => {
      const { browser } = await visit((req, res) => {
        Object.assign(req, { session: null });
        res.end();
      });
      await browser.get("/");
      expect((await browser.get("/end")).setCookies).toEqual([]);
      expect((await browser.get("/")).body).toBe("2");
    });

    test("a session that another request ended keeps its cookie, because the browser may have a new one by now", async () => {
      const { browser, store } = await visit(async (req, res) => {
        countUp(req);
        await new Promise((resolve) => store.destroy(req.sessionID, resolve));
        res.json("deleted");
      });
      await browser.get("/");
      expect((await browser.get("/end")).setCookies).toEqual([]);
    });
  });

  test("a session that could not be ended keeps its cookie, whether the app waits for the end or not", async () => {
    const store = new LockableStore();
    const destroys: Handler[] = [
      async (req) => req.session.destroy(),
      (req, res) => {
        void req.session.destroy();
        res.json("bye");
      },
      (req, res) => {
        Object.assign(req, { session: null });
        res.json("bye");
      },
    ];
    for (const end of destroys) {
      const browser = await browse(endingApp(createApp(), { store, unset: "destroy" }, end));
      await browser.get("/");
      store.isLocked = true;
      const response = await browser.get("/end");
      store.isLocked = false;
      expect([response.status, response.setCookies]).toEqual([503, []]);
      expect((await browser.get("/")).body).toBe("2");
    }
  });

  test("a secure cookie is expired over TLS only, because browsers ignore such a line without TLS", async () => {
    const { options } = await (places[0] as (typeof places)[0]).open();
    const app = endingApp(createApp(), { ...options, cookie: { secure: true } }, (req, res) =>
      req.session.destroy(() => res.end()),
    );
    const overTls = await serveOverTls(app);
    const inTheClear = await browse(app);
    const [line] = await overTls("/");
    const cookie = String(line).split(";")[0];
    expect((await inTheClear.get("/end", { headers: { cookie } })).setCookies).toEqual([]);
  });
});
