import express from "express";
import session from "express-session";
import { sessionMiddleware } from "../../lib/index.ts";
import { browse, data, secret, signed } from "./support.ts";

/** express-session's own store, which records its calls. */
class WatchedStore extends session.MemoryStore {
  readonly calls: string[] = [];

  constructor() {
    super();
    for (const name of ["get", "set", "touch", "destroy", "all", "length", "clear"] as const) {
      const original = this[name].bind(this) as (...args: unknown[]) => unknown;
      this[name] = (...args: unknown[]) => {
        this.calls.push(name);
        return original(...args);
      };
    }
  }
}

async function watchedBrowser() {
  const store = new WatchedStore();
  const app = express();
  app.use(sessionMiddleware({ secret, store }));
  app.get("/", (req, res) => void res.json({ hasSession: req.session !== undefined }));
  app.get("/set", (req, res) => {
    data(req).name = "Ada";
    res.end();
  });
  return { browser: await browse(app), store };
}

const sid = "a-session-id";
const whole = signed(sid);

test.each([
  ["no cookie", undefined],
  ["another cookie", "theme=dark"],
  ["a cookie whose name ends alike", `my-connect.sid=${whole}`],
  ["an unsigned id", `connect.sid=${sid}`],
  ["an id that only looks signed", `connect.sid=s%3A${sid}`],
  ["a signature of nothing", `connect.sid=s%3A${sid}.`],
  ["a signature by another secret", `connect.sid=${signed(sid, "not the secret of this app")}`],
  ["another id under a right signature", `connect.sid=${whole.replace(sid, "b-session-id")}`],
  ["a truncated signature", `connect.sid=${whole.slice(0, -1)}`],
  ["a signature with more behind it", `connect.sid=${whole}A`],
  ["a cookie cut off at the header's end", `connect.sid=${whole.slice(0, 12)}`],
  ["malformed percent encoding", `connect.sid=%${whole}`],
  ["nothing", "connect.sid="],
  ["a signed nothing", `connect.sid=${signed("")}`],
  ["8 KB of garbage", `connect.sid=s%3A${"x.".repeat(4_000)}`],
])("the store is not asked for a request with %s", async (_what, cookie) => {
  const { browser, store } = await watchedBrowser();
  const response = await browser.get("/", { headers: cookie === undefined ? {} : { cookie } });
  expect([response.status, response.json(), response.setCookies]).toEqual([200, { hasSession: true }, []]);
  expect(store.calls).toEqual([]);
});

test("the store is asked once for a session that it does not know", async () => {
  const { browser, store } = await watchedBrowser();
  await browser.get("/", { headers: { cookie: `connect.sid=${whole}` } });
  expect(store.calls).toEqual(["get"]);
});

test("an id that a client has chosen is never used, even with a valid signature", async () => {
  const { browser, store } = await watchedBrowser();
  const response = await browser.get("/set", { headers: { cookie: `connect.sid=${whole}` } });
  expect(response.setCookies).toHaveLength(1);
  expect(response.setCookies[0]).not.toContain(sid);
  expect(Object.keys((store as unknown as { sessions: object }).sessions)).not.toContain(sid);
});
