import express from "express";
import session from "express-session";
import { sessionMiddleware, sessionMiddlewareStack } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { browse, countUp, data, places, secret, sharedRedis, signed } from "./support.ts";

const texts: [title: string, text: string][] = [
  ["JSON that breaks off", '{"cookie":{"path":"/"},"count":'],
  ["no JSON at all", "\x00\x01 not JSON"],
  ["JSON null", "null"],
  ["a JSON string", '"session"'],
  ["a JSON list", "[1,2,3]"],
  ["JSON without a cookie", '{"count":7}'],
  ["JSON whose cookie is no cookie", '{"cookie":"yes","count":7}'],
  ["a cookie with an age that is no number", '{"cookie":{"maxAge":"soon"},"count":7}'],
  ["a cookie with an original age that is no number", '{"cookie":{"originalMaxAge":"1h"},"count":7}'],
  ["a cookie with an expiry that is no date", '{"cookie":{"expires":"soon","originalMaxAge":9},"count":7}'],
];

/** A browser whose cookie names a session under whose key Redis has other data. */
async function visit(text: string) {
  const redis = await sharedRedis();
  const prefix = uniquePrefix("unreadable");
  const key = `${prefix}sess:known`;
  await redis.set(key, text);
  const reported: { error: Error; path: string }[] = [];
  const sessionStack = sessionMiddlewareStack(
    sessionMiddleware({
      secret,
      rolling: true,
      touchAfterMs: 0,
      backend: redisBackend({ client: redis, prefix }),
    }),
  ).on("error", (error, req) => reported.push({ error, path: req.path }));
  const app = express();
  app.use(sessionStack());
  app.get("/", (req, res) => void res.json(countUp(req)));
  app.get("/read", (req, res) => void res.json(data(req).count ?? null));
  app.get("/save", (req, res, next) => {
    req.session.save().then(() => res.json("saved"), next);
  });
  const browser = await browse(app);
  browser.cookies.set("connect.sid", signed("known"));
  return { browser, reported, kept: async () => [await redis.get(key), await redis.ttl(key)] };
}

describe.each(texts)("a stored session that is %s", (_title, text) => {
  test.each(["/read", "/", "/save"])(
    "gives a fresh session and an error event, and is not changed: GET %s",
    async (path) => {
      const { browser, reported, kept } = await visit(text);
      const response = await browser.get(path);
      expect([response.status, response.body]).toEqual([
        200,
        { "/": "1", "/read": "null", "/save": '"saved"' }[path],
      ]);
      expect(reported).toMatchObject([{ path, error: { code: "ERR_SESSION_UNREADABLE" } }]);
      expect(await kept()).toEqual([text, -1]);
      if (path === "/read") return;
      // The browser continues with the new session.
      expect(response.setCookies).toHaveLength(1);
      expect((await browser.get("/")).status).toBe(200);
      expect(reported).toHaveLength(1);
    },
  );

  test("reveals neither its contents nor the secret", async () => {
    const { browser, reported } = await visit(text);
    await browser.get("/");
    const told = reported.map(({ error }) => `${error.stack} ${JSON.stringify(error)} ${error.cause}`).join();
    expect(told).not.toContain(text);
    expect(told).not.toContain(secret);
  });
});

test.each(places)(
  "data without a cookie, as another program may store it, gives a fresh session on $place",
  async ({ open }) => {
    const { options, store } = await open();
    const reported: Error[] = [];
    const app = express();
    app.use(sessionMiddleware({ secret, ...options }).on("error", (error) => reported.push(error)));
    app.get("/", (req, res) => void res.json(countUp(req)));
    const browser = await browse(app);
    await new Promise<void>((resolve, reject) => {
      store.set("known", { count: 7 } as never, (error) => (error ? reject(error) : resolve()));
    });
    browser.cookies.set("connect.sid", signed("known"));
    const response = await browser.get("/");
    expect([response.status, response.body]).toEqual([200, "1"]);
    expect(reported).toMatchObject([{ code: "ERR_SESSION_UNREADABLE" }]);
  },
);

test("a session that plain express-session has stored is read unchanged", async () => {
  const store = new session.MemoryStore();
  const theirs = express();
  theirs.use(session({ secret, store, resave: false, saveUninitialized: false }));
  theirs.get("/", (req, res) => void res.json(countUp(req)));
  const before = await browse(theirs);
  await before.get("/");
  const ours = express();
  ours.use(sessionMiddleware({ secret, store }));
  ours.get("/", (req, res) => void res.json(countUp(req)));
  const after = await browse(ours);
  after.cookies.set("connect.sid", before.cookies.get("connect.sid") ?? "");
  expect((await after.get("/")).body).toBe("2");
  expect((await before.get("/")).body).toBe("3");
});
