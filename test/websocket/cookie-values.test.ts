import type express from "express";
import session, { type SessionData, type Store } from "express-session";
import { ReferenceStore } from "../middleware/cookie-places.ts";
import { closed, nextMessage } from "../support/browser.ts";
import { type Place, places } from "./places.ts";
import { data, overHttp, serve, sidOf, signed, signIn, stored, versions } from "./support.ts";

const hour = 3_600_000;

/** The backends and stores of every kind. */
const all: typeof places = [
  ...places,
  { place: "express-session's MemoryStore", open: async () => storePlace(new session.MemoryStore()) },
  { place: "a store that keeps objects", open: async () => storePlace(new ReferenceStore()) },
];

function storePlace(store: Store): Place {
  return { options: { store }, store, aroundReads: () => {} };
}

function put(store: Store, sid: string, contents: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    store.set(sid, contents as SessionData, (error) => (error ? reject(error) : resolve()));
  });
}

/** Stored expiries of a cookie, and whether use keeps the session alive. */
const expiries: [title: string, cookie: () => object, age: number | null][] = [
  ["false, as express-session stores it", () => ({ originalMaxAge: false, expires: false }), null],
  ["null", () => ({ originalMaxAge: null, expires: null }), null],
  ["nothing", () => ({}), null],
  ["text", () => ({ originalMaxAge: hour, expires: new Date(Date.now() + hour).toISOString() }), hour],
  ["a number", () => ({ originalMaxAge: hour, expires: Date.now() + hour }), hour],
  ["a Date", () => ({ originalMaxAge: hour, expires: new Date(Date.now() + hour) }), hour],
];

describe.each(all)("on $place", ({ open }) => {
  // Once, `false` was refused with 500 on each handshake, and touched with each read.
  test.each(expiries)(
    "a stored cookie whose expiry is %s works with HTTP and WebSocket",
    async (_, cookie, age) => {
      for (const { createApp } of versions) {
        const place = await open();
        const served = await serve({ place, createApp });
        await put(place.store, "known", { cookie: { path: "/", httpOnly: true, ...cookie() }, name: "Ada" });
        const browser = served.browser();
        browser.cookies.set("connect.sid", signed("known"));
        const ws = await browser.webSocket("/ws");
        expect(await overHttp(browser)).toEqual({ name: "Ada" });
        const held = served.opened[0]?.req.session.cookie;
        expect(held?.originalMaxAge).toBe(age);
        expect(held?.expires).toEqual(age === null ? null : expect.any(Date));
        await browser.post("/session", { json: { n: 1 } });
        expect((await stored(place.store, "known"))?.cookie).toMatchObject({ originalMaxAge: age });
        expect(served.errors).toEqual([]);
        ws.terminate();
      }
    },
  );

  test.each<[string, unknown]>([
    ["false", false],
    ["null", null],
    ["undefined", undefined],
    ["text", new Date(Date.now() + hour).toISOString()],
    ["a number", Date.now() + hour],
    ["a Date", new Date(Date.now() + hour)],
  ])("the option cookie.expires: %s works with HTTP and WebSocket", async (_, expires) => {
    const place = await open();
    const served = await serve({ place, session: { cookie: { expires } as never } });
    const browser = await signIn(served);
    (await browser.webSocket("/ws")).terminate();
    const kept = await stored(place.store, sidOf(browser));
    expect(Boolean(kept?.cookie.expires)).toBe(Boolean(expires));
    expect(served.errors).toEqual([]);
  });

  test("a cookie that a connection changes and saves is stored, and the connection stays open", async () => {
    const place = await open();
    const served = await serve({
      place,
      session: { cookie: { maxAge: 2_000 } },
      onConnection: (ws, req) => {
        ws.on("message", async (message) => {
          Object.assign(req.session.cookie, JSON.parse(message.toString()));
          const answered = await req.session.save().then(
            () => "saved",
            (error: Error) => `${error.name}: ${error.message}`,
          );
          ws.send(answered);
        });
      },
    });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    for (const [change, age] of [
      [{ maxAge: hour }, hour],
      [{ expires: false }, null],
      [{ maxAge: 2 * hour }, 2 * hour],
    ] as const) {
      ws.send(JSON.stringify(change));
      expect(await nextMessage(ws)).toBe("saved");
      expect((await stored(place.store, sidOf(browser)))?.cookie.originalMaxAge).toBe(age);
    }
    expect(await overHttp(browser)).toEqual({ name: "Ada" });
    expect(ws.readyState).toBe(ws.OPEN);
    ws.terminate();
  });

  test("an invalid cookie value of a handler is a TypeError that names it, and nothing is stored", async () => {
    const place = await open();
    const wrongs: ((req: express.Request) => void)[] = [
      ({ session }) => Object.assign(session.cookie, { maxAge: "1h" }),
      ({ session }) => Object.assign(session.cookie, { expires: "soon" }),
      ({ session }) => Object.assign(session.cookie, { expires: new Date(Number.NaN) }),
      ({ session }) => Object.assign(session.cookie, { originalMaxAge: Number.NaN }),
      ({ session }) => Object.assign(session, { cookie: { maxAge: "1h" } }),
      ({ session }) => Object.assign(session, { cookie: undefined }),
    ];
    const served = await serve({
      place,
      routes: (app) => {
        app.get("/wrong/:at", (req, res) => {
          data(req).name = "Eve";
          wrongs[Number(req.params.at)]?.(req);
          res.end();
        });
        app.use(((error, _req, res, _next) => {
          res.status(500).json({ name: error.name, message: error.message });
        }) as express.ErrorRequestHandler);
      },
    });
    const browser = await signIn(served);
    for (const at of wrongs.keys()) {
      const response = await browser.get(`/wrong/${at}`);
      expect([response.status, response.json()]).toEqual([
        500,
        { name: "TypeError", message: expect.stringMatching(/cookie(\.maxAge|\.expires)? must be/) },
      ]);
      expect(await overHttp(browser)).toEqual({ name: "Ada" });
    }
  });

  test("a session with an invalid stored cookie is unreadable, and is not changed", async () => {
    const place = await open();
    const served = await serve({ place });
    const isOurs = "backend" in place.options;
    for (const cookie of [
      { originalMaxAge: hour, expires: "soon" },
      { originalMaxAge: "1h", expires: null },
    ]) {
      const putting = put(place.store, "known", { cookie: { path: "/", ...cookie }, name: "Ada" });
      if (isOurs && cookie.expires === "soon") {
        await expect(putting).rejects.toThrow(/^cookie\.expires must be/);
        continue;
      }
      await putting;
      const before = JSON.stringify(await stored(place.store, "known"));
      const browser = served.browser();
      browser.cookies.set("connect.sid", signed("known"));
      expect(await overHttp(browser)).toEqual({});
      expect(served.errors.splice(0)).toMatchObject([{ code: "ERR_SESSION_UNREADABLE" }]);
      expect(JSON.stringify(await stored(place.store, "known"))).toBe(before);
    }
  });
});

test("a connection closes when an age that a handler has shortened is over", async () => {
  const served = await serve({
    webSocket: { path: "/ws", revalidateMs: 1_000 },
    session: { cookie: { maxAge: hour } },
    routes: (app) => {
      app.post("/short", (req, res) => {
        req.session.cookie.maxAge = 1_000;
        res.end();
      });
    },
  });
  const browser = await signIn(served);
  const ws = await browser.webSocket("/ws");
  await browser.post("/short");
  expect(await closed(ws, 15_000)).toEqual({ code: 4501, reason: "session_ended" });
});
