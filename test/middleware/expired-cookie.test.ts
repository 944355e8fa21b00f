import {
  cookieMiddleware,
  type SessionMiddlewareOptions,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
} from "../../lib/index.ts";
import { endingApp, gone, type Handler } from "./ending-app.ts";
import { browse, countUp, data, places, secret, sidOf, stored, versions } from "./support.ts";

/** Ways for an app to end its session. */
const endings: Record<string, { end: Handler; options?: SessionMiddlewareOptions }> = {
  "destroy()": {
    end: async (req, res) => {
      await req.session.destroy();
      res.json("bye");
    },
  },
  "destroy(callback)": { end: (req, res) => void req.session.destroy(() => res.json("bye")) },
  "destroy() that is not waited for": {
    end: (req, res) => {
      void req.session.destroy();
      res.json("bye");
    },
  },
  'unset: "destroy", by null': {
    end: (req, res) => {
      Object.assign(req, { session: null });
      res.json("bye");
    },
    options: { unset: "destroy" },
  },
  'unset: "destroy", by delete': {
    end: (req, res) => {
      Reflect.deleteProperty(req, "session");
      res.json("bye");
    },
    options: { unset: "destroy" },
  },
  'unset: "destroy", before a head that is sent before the end': {
    end: (req, res) => {
      Object.assign(req, { session: null });
      res.write('"by');
      res.end('e"');
    },
    options: { unset: "destroy" },
  },
  "an expiry in the past": {
    end: (req, res) => {
      req.session.cookie.expires = new Date(0);
      res.json("bye");
    },
  },
  "a maxAge of 0": {
    end: (req, res) => {
      req.session.cookie.maxAge = 0;
      res.json("bye");
    },
  },
  "a maxAge below 0, with another change": {
    end: (req, res) => {
      req.session.cookie.maxAge = -1_000;
      countUp(req);
      res.json("bye");
    },
  },
  "an expiry in the past and save()": {
    end: async (req, res) => {
      req.session.cookie.expires = new Date(Date.now() - 1_000);
      await req.session.save();
      res.json("bye");
    },
  },
  "an expiry in the past, before a head that is sent before the end": {
    end: (req, res) => {
      req.session.cookie.expires = new Date(0);
      res.write('"by');
      res.end('e"');
    },
  },
  "regenerate() and destroy()": {
    end: async (req, res) => {
      await req.session.regenerate();
      await req.session.destroy();
      res.json("bye");
    },
  },
};

describe.each(versions)("in $version", ({ createApp }) => {
  describe.each(places)("on $place", ({ open }) => {
    async function visit(end: Handler, options: SessionMiddlewareOptions = {}) {
      const place = await open();
      const app = endingApp(createApp(), { ...place.options, ...options }, end);
      return { app, browser: await browse(app), store: place.store };
    }

    // Once, the cookie of an ended session stayed in the browser.
    test.each(Object.entries(endings))("%s expires the cookie", async (_how, { end, options }) => {
      for (const more of [{}, { rolling: true }]) {
        const { browser, store } = await visit(end, { ...options, ...more });
        await browser.get("/");
        const sid = sidOf(browser);
        const response = await browser.get("/end");
        expect([response.status, response.body, response.setCookies]).toEqual([200, '"bye"', [gone]]);
        expect(await stored(store, sid)).toBeUndefined();
      }
    });

    test.each(Object.entries(endings))(
      "%s sends nothing to a client that has no cookie",
      async (how, { end, options }) => {
        const { browser } = await visit(end, options);
        const response = await browser.get("/end");
        // As with express-session, the data that would have been stored has expired.
        const isSaved = how.includes("change") || how.includes("save()");
        expect([response.status, response.setCookies]).toEqual([200, isSaved ? [gone] : []]);
      },
    );

    test("logOut expires the cookie", async () => {
      const stack = sessionMiddlewareStack(
        cookieMiddleware(),
        sessionMiddleware({ secret, ...(await open()).options }),
      );
      const { logIn, logOut } = userSessions(stack);
      const app = createApp();
      app.use(stack());
      app.get("/in", (req, res, next) => void logIn(req, "ada").then(() => res.end(), next));
      app.get("/out", (req, res, next) => void logOut(req).then(() => res.end(), next));
      const browser = await browse(app);
      const [line] = (await browser.get("/in")).setCookies;
      expect(line).toMatch(/^connect\.sid=s%3A/);
      expect((await browser.get("/out")).setCookies).toEqual([gone]);
      expect((await browser.get("/out")).setCookies).toEqual([]);
    });

    test("the expiring line has the attributes with which the cookie was set", async () => {
      const cookie = {
        path: "/end",
        domain: "example.com",
        secure: true,
        sameSite: "none",
        partitioned: true,
        httpOnly: false,
        priority: "high",
        maxAge: 60_000,
      } as const;
      for (const given of [cookie, () => cookie]) {
        const { app } = await visit(
          (req, res) => {
            if (Number(data(req).count) > 0) req.session.destroy(() => res.end());
            else res.json(countUp(req));
          },
          { cookie: given, proxy: true },
        );
        const browser = await browse(app);
        const headers = { "x-forwarded-proto": "https" };
        const [set] = (await browser.get("/end", { headers })).setCookies;
        const [line] = (await browser.get("/end", { headers })).setCookies;
        const attributes = (text: string | undefined) =>
          text?.replace(/^connect\.sid=[^;]*/, "").replace(/Expires=[^;]*/, "Expires");
        expect(attributes(line)).toBe(attributes(set));
        expect(line).toContain("connect.sid=; ");
        expect(line).toContain("Expires=Thu, 01 Jan 1970 00:00:00 GMT");
      }
    });
  });
});
