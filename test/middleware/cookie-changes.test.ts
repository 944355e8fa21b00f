import { cookiePlaces } from "./cookie-places.ts";
import { type Change, day, expectAge, hour, logIn, visit } from "./cookie-visits.ts";
import { countUp, sidOf, stored, versions } from "./support.ts";

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

/** Where in a request the cookie is changed. Once, a change after a save in the same request was lost in the store. */
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
  // Express 4 runs on memory only, because the version makes no difference to the stores.
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
        // The next request does not change it.
        await app.browser.get("/read");
        expect((await stored(app.store, sidOf(app.browser)))?.cookie.originalMaxAge).toBe(
          seen?.cookie.originalMaxAge,
        );
      });
    });
  });
});
