import type { Express, Request, Response } from "express";
import type { SessionData } from "express-session";
import { sessionMiddleware, sessionMiddlewareStack, userSessions } from "../../lib/index.ts";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import type { Browser, BrowserResponse } from "../support/browser.ts";
import { cookiePlaces, countWrites } from "./cookie-places.ts";
import { browse, countUp, type Place, secret, sidOf, stored, versions } from "./support.ts";

const hour = 3_600_000;
const day = 24 * hour;

type Change = (req: Request) => unknown;

interface App {
  browser: Browser;
  store: Place["store"];
  /** Whole sessions that were written. */
  writes: jest.SpyInstance;
  /** What a visit to `/change` does. */
  onChange(change: Change): void;
}

/** An app whose sessions live a day, unless it says otherwise. */
async function visit(
  place: Place,
  createApp: () => Express,
  options: SessionMiddlewareOptions = { cookie: { maxAge: day } },
): Promise<App> {
  let change: Change = () => {};
  const stack = sessionMiddlewareStack(sessionMiddleware({ secret, ...place.options, ...options }));
  const { logIn } = userSessions(stack);
  const app = createApp();
  app.use(stack());
  app.get("/count", (req, res) => void res.json(countUp(req)));
  app.get("/read", (_req, res) => void res.end());
  app.get("/change", (req: Request, res: Response, next) => {
    Object.assign(req, { logIn });
    Promise.resolve()
      .then(() => change(req))
      .then(() => res.end(), next);
  });
  const browser = await browse(app);
  const writes = countWrites(place);
  return {
    browser,
    store: place.store,
    writes,
    onChange: (next) => {
      change = next;
    },
  };
}

function logIn(req: Request): Promise<void> {
  return (req as unknown as { logIn: (req: Request, user: string) => Promise<void> }).logIn(req, "ada");
}

function cookieLine(response: BrowserResponse): string {
  return response.setCookies.find((line) => line.startsWith("connect.sid=")) ?? "no cookie";
}

/** What the browser was told, and what the store holds, agree: as old as this, or ends with the browser. */
async function expectAge(app: App, response: BrowserResponse, age: number | null): Promise<void> {
  expect(response.status).toBe(200);
  const [, sent] = /; Expires=([^;]*)/.exec(cookieLine(response)) ?? [];
  const { cookie } = (await stored(app.store, sidOf(app.browser))) as SessionData;
  expect(cookieLine(response)).toMatch(/^connect\.sid=/);
  if (age === null) {
    expect([sent, cookie.expires, cookie.originalMaxAge]).toEqual([undefined, null, null]);
    return;
  }
  const kept = new Date(cookie.expires as Date).getTime();
  expect(Math.abs((cookie.originalMaxAge as number) - age)).toBeLessThan(5_000);
  expect(Math.abs(kept - Date.now() - age)).toBeLessThan(10_000);
  // A cookie tells whole seconds.
  expect(Math.abs(Date.parse(sent ?? "") - kept)).toBeLessThan(3_000);
}

const changes: [title: string, change: Change, age: number | null][] = [
  ["maxAge", ({ session }) => Object.assign(session.cookie, { maxAge: 30 * day }), 30 * day],
  ["a shorter maxAge", ({ session }) => Object.assign(session.cookie, { maxAge: hour }), hour],
  [
    "expires, a Date",
    ({ session }) => Object.assign(session.cookie, { expires: new Date(Date.now() + 30 * day) }),
    30 * day,
  ],
  [
    "expires, its text",
    ({ session }) => Object.assign(session.cookie, { expires: new Date(Date.now() + hour).toISOString() }),
    hour,
  ],
  ["expires, a number", ({ session }) => Object.assign(session.cookie, { expires: Date.now() + hour }), hour],
  ["originalMaxAge", ({ session }) => Object.assign(session.cookie, { originalMaxAge: 30 * day }), 30 * day],
  ["expires = false", ({ session }) => Object.assign(session.cookie, { expires: false }), null],
  ["expires = null", ({ session }) => Object.assign(session.cookie, { expires: null }), null],
  ["maxAge = null", ({ session }) => Object.assign(session.cookie, { maxAge: null }), null],
  ["maxAge = false", ({ session }) => Object.assign(session.cookie, { maxAge: false }), null],
  [
    "the whole cookie",
    ({ session }) => Object.assign(session, { cookie: { ...session.cookie, maxAge: 30 * day } }),
    30 * day,
  ],
];

/** Where in a request the cookie is changed. Once, what came after a save in the same request was lost in the store. */
const moments: [title: string, around: (change: Change) => Change][] = [
  ["by a request that changes nothing else", (change) => change],
  [
    "beside other data",
    (change) => (req) => {
      change(req);
      countUp(req);
    },
  ],
  [
    "after logIn",
    (change) => async (req) => {
      await logIn(req);
      change(req);
    },
  ],
  [
    "after regenerate",
    (change) => async (req) => {
      await req.session.regenerate();
      change(req);
    },
  ],
  [
    "after save",
    (change) => async (req) => {
      countUp(req);
      await req.session.save();
      change(req);
    },
  ],
  [
    "after a save without changes",
    (change) => async (req) => {
      await req.session.save();
      change(req);
    },
  ],
  [
    "after a save that was not awaited",
    (change) => (req) => {
      countUp(req);
      void req.session.save();
      change(req);
    },
  ],
  [
    "before a save",
    (change) => async (req) => {
      change(req);
      await req.session.save();
    },
  ],
  [
    "before a reload",
    (change) => async (req) => {
      change(req);
      await req.session.save();
      await req.session.reload();
    },
  ],
];

describe.each(versions)("in $version", ({ version, createApp }) => {
  // Of Express 4 memory only: the stores see nothing of it.
  const ownPlaces = version === "Express 5" ? cookiePlaces : cookiePlaces.slice(0, 1);
  describe.each(ownPlaces)("on $place", ({ open }) => {
    describe.each(moments)("a cookie that is changed %s", (_, around) => {
      test.each(changes)("is the same in the browser and in the store: %s", async (_title, change, age) => {
        const app = await visit(await open(), createApp);
        await app.browser.get("/count");
        app.onChange(around(change));
        await expectAge(app, await app.browser.get("/change"), age);
        app.onChange(() => {});
        const seen = await stored(app.store, sidOf(app.browser));
        // And stays so.
        await app.browser.get("/read");
        expect((await stored(app.store, sidOf(app.browser)))?.cookie.originalMaxAge).toBe(
          seen?.cookie.originalMaxAge,
        );
      });
    });

    test("a cookie without an age gets one after logIn, as with 'remember me'", async () => {
      const app = await visit(await open(), createApp, {});
      await app.browser.get("/count");
      app.onChange(async (req) => {
        await logIn(req);
        req.session.cookie.maxAge = 30 * day;
      });
      await expectAge(app, await app.browser.get("/change"), 30 * day);
    });

    test("a second change back is saved, too", async () => {
      const app = await visit(await open(), createApp);
      await app.browser.get("/count");
      app.onChange(async (req) => {
        req.session.cookie.maxAge = 30 * day;
        await req.session.save();
        req.session.cookie.maxAge = day;
      });
      await app.browser.get("/change");
      const { cookie } = (await stored(app.store, sidOf(app.browser))) as SessionData;
      expect(cookie.originalMaxAge).toBe(day);
    });

    test.each<[string, unknown, string]>([
      ["httpOnly", false, "Path=/; Expires; SameSite=Lax"],
      ["sameSite", "strict", "Path=/; Expires; HttpOnly; SameSite=Strict"],
      ["path", "/change", "Path=/change; Expires; HttpOnly; SameSite=Lax"],
      ["domain", "127.0.0.1", "Domain=127.0.0.1; Path=/; Expires; HttpOnly; SameSite=Lax"],
      ["partitioned", true, "Path=/; Expires; HttpOnly; Partitioned; SameSite=Lax"],
      ["priority", "high", "Path=/; Expires; HttpOnly; Priority=High; SameSite=Lax"],
    ])(
      "%s that alone is changed after a save reaches the browser and the store",
      async (name, value, line) => {
        for (const maxAge of [day, null]) {
          const app = await visit(await open(), createApp, { cookie: { maxAge } as never });
          await app.browser.get("/count");
          const sid = sidOf(app.browser);
          app.onChange(async (req) => {
            await req.session.save();
            Object.assign(req.session.cookie, { [name]: value });
          });
          const sent = cookieLine(await app.browser.get("/change"))
            .split("; ")
            .slice(1)
            .sort();
          const expected = line.split("; ").filter((part) => maxAge !== null || part !== "Expires");
          expect(sent.map((part) => part.replace(/^Expires=.*/, "Expires"))).toEqual(expected.sort());
          expect((await stored(app.store, sid))?.cookie).toMatchObject({ [name]: value });
        }
      },
    );

    test("secure reaches the store, also where the browser cannot be sent it", async () => {
      const app = await visit(await open(), createApp);
      await app.browser.get("/count");
      app.onChange((req) => {
        req.session.cookie.secure = true;
      });
      expect((await app.browser.get("/change")).setCookies).toEqual([]);
      expect((await stored(app.store, sidOf(app.browser)))?.cookie.secure).toBe(true);
    });

    test.each<[string, Change]>([
      ["maxAge", (req) => Object.assign(req.session.cookie, { maxAge: 30 * day })],
      [
        "expires by the clock",
        (req) => Object.assign(req.session.cookie, { expires: new Date(Date.now() + 30 * day) }),
      ],
      ["expires = false", (req) => Object.assign(req.session.cookie, { expires: false })],
      [
        "every attribute",
        (req) =>
          Object.assign(req.session.cookie, { maxAge: day, httpOnly: true, path: "/", sameSite: "lax" }),
      ],
    ])("an app that sets the same on each request costs one save, and one cookie: %s", async (_, change) => {
      const app = await visit(await open(), createApp);
      await app.browser.get("/count");
      app.onChange(change);
      await app.browser.get("/change");
      app.writes.mockClear();
      for (let n = 0; n < 8; n++) expect((await app.browser.get("/change")).setCookies).toEqual([]);
      expect(app.writes).not.toHaveBeenCalled();
    });

    test("a new session of nothing but a cookie is not stored", async () => {
      const app = await visit(await open(), createApp);
      app.onChange((req) => Object.assign(req.session.cookie, { maxAge: 30 * day }));
      expect((await app.browser.get("/change")).setCookies).toEqual([]);
      expect(app.writes).not.toHaveBeenCalled();
    });

    test.each([["rolling"], ["resave"], ["saveUninitialized"], ["saveEveryRequest"]])(
      "with %s, after a save",
      async (option) => {
        const app = await visit(await open(), createApp, { cookie: { maxAge: day }, [option]: true });
        await app.browser.get("/count");
        for (const [maxAge, age] of [
          [30 * day, 30 * day],
          [null, null],
          [hour, hour],
        ] as const) {
          app.onChange(async (req) => {
            await req.session.save();
            Object.assign(req.session.cookie, { maxAge });
          });
          await expectAge(app, await app.browser.get("/change"), age);
        }
      },
    );

    test("another request that saves meanwhile keeps the other's age, and tells the browser the same", async () => {
      for (const maxAge of [30 * day, null]) {
        const app = await visit(await open(), createApp);
        await app.browser.get("/count");
        let isFirst = true;
        app.onChange(async (req) => {
          if (!isFirst) {
            Object.assign(req.session.cookie, { maxAge });
            return;
          }
          isFirst = false;
          await app.browser.get("/change");
          countUp(req);
        });
        await expectAge(app, await app.browser.get("/change"), maxAge);
      }
    });
  });
});
