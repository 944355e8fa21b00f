import session from "express-session";
import { sessionMiddleware } from "../../lib/index.ts";
import { browse, countUp, data, places, secret, stored, versions } from "./support.ts";

/** Behaviour of express-session on which programs depend. */
describe.each(versions)("in $version", ({ createApp }) => {
  // Once, `key` was ignored, so everybody was logged out.
  test.each([
    ["key is the name of the cookie", { key: "sessid" }, "sessid"],
    ["name goes before key", { key: "sessid", name: "mine" }, "mine"],
    ["a key that is undefined is none", { key: undefined as never }, "connect.sid"],
  ])("%s", async (_what, options, name) => {
    const app = createApp();
    app.use(sessionMiddleware({ secret, ...options }));
    app.get("/", (req, res) => void res.json(countUp(req)));
    const browser = await browse(app);
    expect([(await browser.get("/")).body, (await browser.get("/")).body]).toEqual(["1", "2"]);
    expect([...browser.cookies.keys()]).toEqual([name]);
  });

  describe.each(places)("on $place", ({ open }) => {
    test("reload of a session that is gone fails with express-session's message and the reason", async () => {
      const { options, store } = await open();
      const app = createApp();
      app.use(sessionMiddleware({ secret, ...options }));
      app.get("/", (req, res) => void res.json(countUp(req)));
      app.get("/reload", (req, res) => {
        store.destroy(req.sessionID, () => {
          req.session.reload((error) => {
            const { message, code, status, cause } = error;
            res.json([message, code, status, cause.message]);
          });
        });
      });
      const browser = await browse(app);
      await browser.get("/");
      expect((await browser.get("/reload")).json()).toEqual([
        "failed to load session",
        "ERR_SESSION_DELETED",
        401,
        expect.stringContaining("have the user log in again"),
      ]);
    });

    test("a request whose sessionID is not a string saves nothing and sends no cookie", async () => {
      const { options, store } = await open();
      const app = createApp();
      const ids: string[] = [];
      app.use(sessionMiddleware({ secret, ...options, rolling: true }));
      app.get("/", (req, res) => void res.json(countUp(req)));
      app.get("/bogus", (req, res) => {
        ids.push(req.sessionID);
        Object.assign(req, { sessionID: () => "an id" });
        res.json(countUp(req));
      });
      const browser = await browse(app);
      expect((await browser.get("/bogus")).setCookies).toEqual([]);
      expect(await stored(store, String(ids[0]))).toBeUndefined();
      await browser.get("/");
      expect((await browser.get("/bogus")).setCookies).toEqual([]);
      expect((await browser.get("/")).body).toBe("2");
    });
  });
});

test.each([
  [{ secret: [] }, /secret option array/],
  [{ secret, key: "no name" }, /"key"/],
  [{ secret, genid: "bogus" }, /genid.*must/],
  [{ secret, unset: "bogus" }, /unset.*must/],
])("options %j are refused with a message that matches express-session's", (options, message) => {
  expect(() => sessionMiddleware(options as never)).toThrow(message);
});

test("a session of express-session under its old cookie name is found", async () => {
  const { default: express } = await import("express");
  const store = new session.MemoryStore();
  const serve = (middleware: import("express").RequestHandler) => {
    const app = express();
    app.use(middleware);
    app.get("/", (req, res) => void res.json([countUp(req), data(req).count]));
    return browse(app);
  };
  const options = { secret, store, key: "sessid", resave: false, saveUninitialized: false };
  const theirs = await serve(session(options as never));
  await theirs.get("/");
  const ours = await serve(sessionMiddleware(options));
  const cookie = `sessid=${theirs.cookies.get("sessid")}`;
  expect((await ours.get("/", { headers: { cookie } })).json()).toEqual([2, 2]);
});
