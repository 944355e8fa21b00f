import type { SessionData } from "express-session";
import { cookiePlaces } from "./cookie-places.ts";
import { type Change, cookieLine, day, expectAge, hour, logIn, visit } from "./cookie-visits.ts";
import { countUp, sidOf, stored, versions } from "./support.ts";

describe.each(versions)("in $version", ({ version, createApp }) => {
  // Express 4 runs on memory only, because the version makes no difference to the stores.
  const ownPlaces = version === "Express 5" ? cookiePlaces : cookiePlaces.slice(0, 1);
  describe.each(ownPlaces)("on $place", ({ open }) => {
    test("a cookie without an age can get one after logIn, as for 'remember me'", async () => {
      const app = await visit(await open(), createApp, {});
      await app.browser.get("/count");
      app.onChange(async (req) => {
        await logIn(req);
        req.session.cookie.maxAge = 30 * day;
      });
      await expectAge(app, await app.browser.get("/change"), 30 * day);
    });

    test("a change and a later change back are both saved", async () => {
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
    ])("a change of %s alone after a save reaches the browser and the store", async (name, value, line) => {
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
    });

    test("secure reaches the store, even if the browser cannot receive the cookie", async () => {
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
    ])(
      "an app that sets the same value on each request causes one save and one cookie: %s",
      async (_, change) => {
        const app = await visit(await open(), createApp);
        await app.browser.get("/count");
        app.onChange(change);
        await app.browser.get("/change");
        app.writes.mockClear();
        for (let n = 0; n < 8; n++) expect((await app.browser.get("/change")).setCookies).toEqual([]);
        expect(app.writes).not.toHaveBeenCalled();
      },
    );

    test("a new session with only a cookie is not stored", async () => {
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

    test("a request that saves later keeps the age of the other request, and sends the browser the same age", async () => {
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
