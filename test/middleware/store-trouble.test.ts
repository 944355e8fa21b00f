import express, { type ErrorRequestHandler, type Request, type Response } from "express";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import type { BrowserResponse } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { connectRedis } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { afterThisTest, browse, countUp, data, secret, sidOf } from "./support.ts";

// A rejection that nobody handles fails the test by itself: jest sees to that.

const timeoutMs = 300;
/** What a bounded request may take on a busy machine. */
const bounded = { withinMs: timeoutMs + 2_000 };

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

type During = (req: Request) => unknown;

/** A browser with a session at an app of its own, on the Redis that is in trouble. */
async function visit(options: SessionMiddlewareOptions = {}, during: During = () => {}) {
  const client = await connectRedis(server.url);
  // What an earlier test has left, and a Redis that is empty and knows no script.
  await client.flushAll();
  await client.sendCommand(["SCRIPT", "FLUSH"]);
  afterThisTest(() => client.destroy());
  const errors: { code?: string; cause?: unknown }[] = [];
  const reported: Error[] = [];
  const handled: string[] = [];
  const middleware = sessionMiddleware({ secret, timeoutMs, ...options, backend: redisBackend({ client }) });
  middleware.on("error", (error) => reported.push(error));
  const app = express();
  app.use(middleware);
  app.use((req, _res, next) => {
    handled.push(req.path);
    next();
  });
  app.get("/public", (_req, res) => void res.send("public"));
  app.get("/count", (req, res) => void res.json(countUp(req)));
  app.get("/read", (req, res) => void res.json(data(req).count ?? null));
  app.get("/during", async (req: Request, res: Response) => {
    await during(req);
    if (req.query.change) countUp(req);
    res.json("the page");
  });
  app.get("/save", async (req: Request, res: Response) => {
    await during(req);
    countUp(req);
    const outcome = await req.session.save().then(
      () => "saved",
      (error) => [error.code, error.status],
    );
    res.status(500).json(outcome);
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) as ErrorRequestHandler);
  const browser = await browse(app);
  await browser.get("/count");
  handled.length = 0;
  const stranger = await browse(app);
  return { app, browser, stranger, client, errors, reported, handled, key: () => `sess:${sidOf(browser)}` };
}

function expectUnavailable(response: BrowserResponse): void {
  expect([response.status, response.headers["retry-after"], response.setCookies]).toEqual([503, "1", []]);
  expect(response.body).not.toContain("the page");
}

describe("Redis is down", () => {
  afterEach(() => server.restart());

  test("a request with a session is 503 and never reaches the app; others do not notice", async () => {
    const { browser, stranger, handled, errors } = await visit();
    await server.kill();
    expectUnavailable(await browser.get("/read", bounded));
    expect(handled).toEqual([]);
    expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
    // Well below timeoutMs times the number of them, were they slowed.
    for (let n = 0; n < 50; n++)
      expect((await stranger.get("/public", { withinMs: timeoutMs })).body).toBe("public");
  });

  test("every one of many requests at a time is answered", async () => {
    const { browser, stranger } = await visit();
    await server.kill();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => (n % 2 ? browser : stranger).get("/public", { withinMs: 5_000 })),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: 200 }, (_, n) => (n % 2 ? 503 : 200)),
    );
  });

  test("a save at the end of a response is 503, with nothing of the page", async () => {
    const { browser, errors } = await visit({}, () => server.kill());
    expectUnavailable(await browser.get("/during?change=1", bounded));
    expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
  });

  test("a new session that cannot be stored is 503 and no cookie", async () => {
    const { stranger } = await visit({}, () => server.kill());
    expectUnavailable(await stranger.get("/during?change=1", bounded));
  });

  test("an explicit save rejects with a reason", async () => {
    const { browser } = await visit({}, () => server.kill());
    expect((await browser.get("/save", bounded)).json()).toEqual(["ERR_STORE_UNAVAILABLE", 503]);
  });

  test("a touch that fails is an error event beside a whole response", async () => {
    const { browser, reported } = await visit({ touchAfterMs: 0 }, () => server.kill());
    const response = await browser.get("/during", bounded);
    expect([response.status, response.body]).toEqual([200, '"the page"']);
    expect(reported).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
  });

  test("a Redis that was restarted serves again, to the same client, its scripts forgotten", async () => {
    const { browser, client } = await visit();
    await server.restart();
    await eventually(() => client.ping());
    const response = await browser.get("/count");
    expect([response.status, response.body, response.setCookies.length]).toEqual([200, "1", 1]);
    expect((await browser.get("/count")).body).toBe("2");
  });
});

describe("Redis is slow", () => {
  afterEach(() => server.resume());

  test("a load is 503 within timeoutMs; others do not notice; afterwards all is as before", async () => {
    const { browser, stranger, handled, errors } = await visit();
    server.pause();
    expectUnavailable(await browser.get("/read", bounded));
    expect(handled).toEqual([]);
    expect(errors).toMatchObject([{ message: expect.stringContaining(`${timeoutMs} ms`) }]);
    expect((await stranger.get("/public", { withinMs: timeoutMs })).body).toBe("public");
    server.resume();
    await eventually(async () => expect((await browser.get("/count")).body).toBe("2"));
  });

  test("a save is 503 within timeoutMs", async () => {
    const { browser } = await visit({}, () => server.pause());
    expectUnavailable(await browser.get("/during?change=1", bounded));
  });

  test("an explicit save rejects within timeoutMs", async () => {
    const { browser } = await visit({}, () => server.pause());
    expect((await browser.get("/save", bounded)).json()).toEqual(["ERR_STORE_UNAVAILABLE", 503]);
  });

  test("destroy and regenerate reject within timeoutMs", async () => {
    const codes: unknown[] = [];
    const { browser } = await visit({}, async (req) => {
      server.pause();
      const { session } = req;
      await session.regenerate().catch((error) => codes.push(error.code));
      await session.destroy().catch((error) => codes.push(error.code));
    });
    expect((await browser.get("/during", { withinMs: 2 * bounded.withinMs })).status).toBe(200);
    expect(codes).toEqual(["ERR_STORE_UNAVAILABLE", "ERR_STORE_UNAVAILABLE"]);
  });
});

describe("Redis answers with errors", () => {
  test("a key of another type is 503 with Redis's own words as the cause", async () => {
    const { browser, client, key, errors } = await visit();
    await client.del(key());
    await client.lPush(key(), "not a session");
    expectUnavailable(await browser.get("/read"));
    expect(errors).toMatchObject([{ cause: { message: expect.stringContaining("WRONGTYPE") } }]);
    expect(await client.lRange(key(), 0, -1)).toEqual(["not a session"]);
  });

  test("a key that becomes one of another type before the save is 503", async () => {
    const { browser, client, key } = await visit({}, async () => {
      await client.del(key());
      await client.lPush(key(), "not a session");
    });
    expectUnavailable(await browser.get("/during?change=1"));
  });

  test("without memory, reading goes on and saving is 503", async () => {
    const { browser, client, stranger, errors } = await visit();
    await client.configSet("maxmemory", "1");
    try {
      expect((await browser.get("/read")).body).toBe("1");
      expectUnavailable(await browser.get("/count"));
      expectUnavailable(await stranger.get("/count"));
      expect(errors).toMatchObject(Array(2).fill({ cause: { message: expect.stringContaining("OOM") } }));
    } finally {
      await client.configSet("maxmemory", "0");
    }
    expect((await browser.get("/count")).body).toBe("2");
  });

  test("a script that Redis has forgotten is sent again", async () => {
    const { browser, client } = await visit();
    await client.sendCommand(["SCRIPT", "FLUSH"]);
    expect((await browser.get("/count")).body).toBe("2");
  });

  test("a client that was closed is 503", async () => {
    const { browser, client } = await visit();
    await client.close();
    expectUnavailable(await browser.get("/read", bounded));
  });
});
