import express, { type ErrorRequestHandler, type Request, type Response } from "express";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import type { BrowserResponse } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { aroundCalls, connectRedis } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { afterThisTest, browse, countUp, data, secret, sidOf } from "./support.ts";

// Jest fails a test with an unhandled rejection.

const timeoutMs = 300;
/** Waits in a request, so the trouble begins after its session is loaded. */
const unhurried = { timeoutMs: 1_500 };
/** Options under which Redis has enough time to answer. */
const patient = { timeoutMs: 10_000 };

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

type During = (req: Request) => unknown;

/** A browser with a session, at a new app on the Redis that is in trouble. */
async function visit(options: SessionMiddlewareOptions = {}, during: During = () => {}) {
  const client = await connectRedis(server.url);
  // Clears the effects of an earlier test: Redis is empty and knows no script.
  await client.flushAll();
  await client.sendCommand(["SCRIPT", "FLUSH"]);
  afterThisTest(() => client.destroy());
  const errors: { code?: string; cause?: unknown }[] = [];
  const sent: string[] = [];
  const reported: Error[] = [];
  const handled: string[] = [];
  const watched = aroundCalls(client, (name, _args, run) => {
    sent.push(name);
    return run();
  });
  const backend = redisBackend({ client: watched });
  const middleware = sessionMiddleware({ secret, timeoutMs, ...options, backend });
  middleware.on("error", (error) => reported.push(error));
  const app = express();
  app.use(middleware);
  app.use((req, _res, next) => {
    handled.push(req.path);
    next();
  });
  app.get("/public", (_req, res) => void res.send("public"));
  app.get("/count", count);
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
      (error) => {
        errors.push(error);
        return [error.code, error.status];
      },
    );
    res.status(500).json(outcome);
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) as ErrorRequestHandler);
  // An app with the same sessions and a longer timeout. The session begins here.
  const calm = express().use(sessionMiddleware({ secret, ...patient, backend }));
  const calmBrowser = await browse(calm.get("/count", count));
  expect((await calmBrowser.get("/count")).status).toBe(200);
  const browser = await browse(app);
  for (const [name, value] of calmBrowser.cookies) browser.cookies.set(name, value);
  const stranger = await browse(app);
  const key = `sess:${sidOf(browser)}`;
  return { browser, calmBrowser, stranger, client, sent, errors, reported, handled, key };
}

function count(req: Request, res: Response): void {
  res.json(countUp(req));
}

function expectUnavailable(response: BrowserResponse): void {
  expect([response.status, response.headers["retry-after"], response.setCookies]).toEqual([503, "1", []]);
  expect(response.body).not.toContain("the page");
}

describe("Redis is down", () => {
  afterEach(() => server.restart());

  test("a request with a session is answered with 503 and never reaches the app; other requests are not affected", async () => {
    const { browser, stranger, handled, errors, sent } = await visit();
    await server.kill();
    expectUnavailable(await browser.get("/read"));
    expect(handled).toEqual([]);
    expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
    sent.length = 0;
    // If each took timeoutMs, so many would outlast the test.
    for (let n = 0; n < 50; n++) expect((await stranger.get("/public")).body).toBe("public");
    expect(sent).toEqual([]);
  });

  test("each of many concurrent requests is answered", async () => {
    const { browser, stranger } = await visit();
    await server.kill();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        (n % 2 ? browser : stranger).get("/public", { withinMs: 10_000 }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: 200 }, (_, n) => (n % 2 ? 503 : 200)),
    );
  });

  test("a failed save at the end of a response is answered with 503, without anything of the page", async () => {
    const { browser, errors } = await visit({}, () => server.kill());
    expectUnavailable(await browser.get("/during?change=1"));
    expect(errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
  });

  test("a new session that cannot be stored is answered with 503 and without a cookie", async () => {
    const { stranger } = await visit({}, () => server.kill());
    expectUnavailable(await stranger.get("/during?change=1"));
  });

  test("an explicit save rejects with the reason", async () => {
    const { browser } = await visit(unhurried, () => server.kill());
    expect((await browser.get("/save")).json()).toEqual(["ERR_STORE_UNAVAILABLE", 503]);
  });

  test("a failed touch emits an error event, and the response is complete", async () => {
    const { browser, reported } = await visit({ ...unhurried, touchAfterMs: 0 }, () => server.kill());
    const response = await browser.get("/during");
    expect([response.status, response.body]).toEqual([200, '"the page"']);
    expect(reported).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
  });

  test("a restarted Redis, which has forgotten its scripts, serves the same client again", async () => {
    const { browser, client } = await visit(patient);
    await server.restart();
    await eventually(() => client.ping());
    const response = await browser.get("/count");
    expect([response.status, response.body, response.setCookies.length]).toEqual([200, "1", 1]);
    expect((await browser.get("/count")).body).toBe("2");
  });
});

describe("Redis is slow", () => {
  afterEach(() => server.resume());

  test("a slow load is answered with 503 within timeoutMs, other requests are not affected, and later all work again", async () => {
    const { browser, calmBrowser, stranger, client, handled, errors, sent } = await visit();
    server.pause();
    expectUnavailable(await browser.get("/read"));
    expect(handled).toEqual([]);
    expect(errors).toMatchObject([{ message: expect.stringContaining(`${timeoutMs} ms`) }]);
    sent.length = 0;
    expect((await stranger.get("/public")).body).toBe("public");
    expect(sent).toEqual([]);
    server.resume();
    await eventually(() => client.ping());
    expect((await calmBrowser.get("/count")).body).toBe("2");
    await eventually(async () => expect((await browser.get("/read")).body).toBe("2"));
  });

  test("a slow save is answered with 503 within timeoutMs", async () => {
    const { browser, errors } = await visit({}, () => server.pause());
    expectUnavailable(await browser.get("/during?change=1"));
    expect(errors).toMatchObject([{ message: expect.stringContaining(`${timeoutMs} ms`) }]);
  });

  test("an explicit save rejects within timeoutMs", async () => {
    const { browser, errors } = await visit(unhurried, () => server.pause());
    expect((await browser.get("/save")).json()).toEqual(["ERR_STORE_UNAVAILABLE", 503]);
    expect(errors).toMatchObject([{ message: expect.stringContaining("1500 ms") }]);
  });

  test("destroy and regenerate reject within timeoutMs", async () => {
    const rejected: unknown[] = [];
    const { browser } = await visit(unhurried, async (req) => {
      server.pause();
      const { session } = req;
      await session.regenerate().catch((error) => rejected.push(error));
      await session.destroy().catch((error) => rejected.push(error));
    });
    expect((await browser.get("/during", { withinMs: 10_000 })).status).toBe(200);
    const inTime = { code: "ERR_STORE_UNAVAILABLE", message: expect.stringContaining("1500 ms") };
    expect(rejected).toMatchObject([inTime, inTime]);
  });
});

describe("Redis answers with errors", () => {
  test("a key of another type is answered with 503, with Redis's own error as the cause", async () => {
    const { browser, client, key, errors } = await visit(patient);
    await client.del(key);
    await client.lPush(key, "not a session");
    expectUnavailable(await browser.get("/read"));
    expect(errors).toMatchObject([{ cause: { message: expect.stringContaining("WRONGTYPE") } }]);
    expect(await client.lRange(key, 0, -1)).toEqual(["not a session"]);
  });

  test("a key that changes its type before the save is answered with 503", async () => {
    const { browser, client, key } = await visit(patient, async () => {
      await client.del(key);
      await client.lPush(key, "not a session");
    });
    expectUnavailable(await browser.get("/during?change=1"));
  });

  test("a Redis without memory still serves reads, and saves are answered with 503", async () => {
    const { browser, client, stranger, errors } = await visit(patient);
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
    const { browser, client } = await visit(patient);
    await client.sendCommand(["SCRIPT", "FLUSH"]);
    expect((await browser.get("/count")).body).toBe("2");
  });

  test("a closed client is answered with 503", async () => {
    const { browser, client } = await visit(patient);
    await client.close();
    expectUnavailable(await browser.get("/read"));
  });
});
