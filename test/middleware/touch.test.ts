import express from "express";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { timeoutMs } from "../support/patience.ts";
import { aroundCalls, uniquePrefix } from "../support/redis-client.ts";
import { browse, countUp, data, secret, sharedRedis, sidOf } from "./support.ts";

/** A browser at an app on Redis, and the Redis commands of the app since the last call. */
async function countedBrowser(options: SessionMiddlewareOptions) {
  const redis = await sharedRedis();
  const sent: string[] = [];
  const client = aroundCalls(redis, (name, _args, run) => {
    if (name !== "on") sent.push(name);
    return run();
  });
  const prefix = uniquePrefix("touch");
  const app = express();
  app.use(sessionMiddleware({ secret, timeoutMs, ...options, backend: redisBackend({ client, prefix }) }));
  app.get("/", (req, res) => void res.json(countUp(req)));
  app.get("/read", (req, res) => void res.json(data(req).count ?? null));
  app.get("/age", (req, res) => {
    req.session.cookie.maxAge = 7_200_000;
    res.end();
  });
  const browser = await browse(app);
  return {
    browser,
    commands: () => sent.splice(0),
    ttl: () => redis.ttl(`${prefix}sess:${sidOf(browser)}`),
    expire: (seconds: number) => redis.expire(`${prefix}sess:${sidOf(browser)}`, seconds),
  };
}

// A script that the server does not know yet is sent again as a whole.
const written = ["evalSha"];
const touched = ["evalSha"];

test("a read-only request within the window costs one Redis command, and sends no cookie", async () => {
  const { browser, commands } = await countedBrowser({ cookie: { maxAge: 3_600_000 } });
  await browser.get("/");
  commands();
  for (let visit = 0; visit < 5; visit++) {
    expect((await browser.get("/read")).setCookies).toEqual([]);
    expect(commands()).toEqual(["get"]);
  }
});

test("a session without an age is touched once in a window", async () => {
  const { browser, commands, ttl, expire } = await countedBrowser({});
  await browser.get("/");
  await browser.get("/read");
  await expire(1_000);
  commands();
  for (let visit = 0; visit < 5; visit++) await browser.get("/read");
  expect(commands()).toEqual(["get", "get", "get", "get", "get"]);
  expect(await ttl()).toBeLessThanOrEqual(1_000);
});

test("a session that was just saved is not touched, with or without an age", async () => {
  const { browser, commands } = await countedBrowser({});
  await browser.get("/");
  commands();
  await browser.get("/read");
  expect(commands()).toEqual(["get"]);
});

test("a save costs one command beside the read, and counts as a touch", async () => {
  const { browser, commands, ttl } = await countedBrowser({ cookie: { maxAge: 3_600_000 } });
  await browser.get("/");
  commands();
  await browser.get("/");
  expect(commands()).toEqual(["get", ...written]);
  expect(await ttl()).toBeGreaterThan(3_590);
});

test("a new session costs one command, and its first visit none", async () => {
  const { browser, commands } = await countedBrowser({});
  await countedBrowser({}).then((warm) => warm.browser.get("/"));
  await browser.get("/read");
  expect(commands()).toEqual([]);
  await browser.get("/");
  expect(commands()).toEqual(written);
});

test("touchAfterMs: 0 touches with every request", async () => {
  const { browser, commands, ttl, expire } = await countedBrowser({
    cookie: { maxAge: 3_600_000 },
    touchAfterMs: 0,
  });
  await browser.get("/");
  await browser.get("/read");
  await expire(100);
  commands();
  await browser.get("/read");
  expect(commands()).toEqual(["get", ...touched]);
  expect(await ttl()).toBeGreaterThan(3_590);
});

test("a session is touched when half of its life is over, however long the window is", async () => {
  const { browser, commands, ttl, expire } = await countedBrowser({
    cookie: { maxAge: 2_000_000 },
    touchAfterMs: 60_000_000,
  });
  let now = Date.now();
  // Only the app's clock moves. Redis expires the session by its own clock.
  const clock = jest.spyOn(Date, "now").mockImplementation(() => now);
  try {
    await browser.get("/");
    await expire(1_000);
    commands();
    const due: number[] = [];
    // The session is in use for longer than it would live unused.
    for (let visit = 1; visit <= 30; visit++) {
      now += 100_000;
      expect((await browser.get("/read")).body).toBe("1");
      if (commands().includes("evalSha")) due.push(visit);
    }
    expect(due).toEqual([10, 20, 30]);
    expect(await ttl()).toBeGreaterThan(1_900);
  } finally {
    clock.mockRestore();
  }
});

test("a session whose age the app changes is touched at once", async () => {
  const { browser, ttl } = await countedBrowser({ cookie: { maxAge: 3_600_000 } });
  await browser.get("/");
  await browser.get("/age");
  expect(await ttl()).toBeGreaterThan(7_100);
});

test("rolling sends the cookie with every response, whether the session is touched or not", async () => {
  const { browser, commands } = await countedBrowser({ rolling: true, cookie: { maxAge: 3_600_000 } });
  await browser.get("/");
  commands();
  expect((await browser.get("/read")).setCookies).toHaveLength(1);
  // A late response reads whether the session still exists.
  expect(commands().filter((name) => name !== "pTTL")).toEqual(["get"]);
});
