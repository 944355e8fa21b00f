import { redisBackend } from "../../lib/redis.ts";
import { nextMessage } from "../support/browser.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { places } from "./places.ts";
import { afterThisTest, data, overHttp, type ServeOptions, serve, signIn, versions } from "./support.ts";

const atOnce = 64;

/** All requests load the session before the first one saves it, like those of a load tool with one cookie. */
function options(): ServeOptions {
  let arrived = 0;
  let go = () => {};
  const all = new Promise<void>((resolve) => {
    go = resolve;
  });
  return {
    routes: (app) => {
      app.post("/set/:key", async (req, res) => {
        if (++arrived === atOnce) go();
        await all;
        data(req)[String(req.params.key)] = true;
        res.sendStatus(204);
      });
    },
    onConnection: (ws, req) => {
      ws.on("message", async (key) => {
        data(req)[String(key)] = true;
        await req.session.save();
        ws.send("saved");
      });
    },
  };
}

const keys = Array.from({ length: atOnce }, (_, at) => `key${at}`);
const allSet = Object.fromEntries(keys.map((key) => [key, true]));

/** Once, each such request read, merged and wrote again for each of the others, until some were answered with 503. */
describe.each(places)("64 changes of one session at the same time, on $place", ({ open }) => {
  it.each(versions)("over HTTP are all kept and answered, with $version", async ({ createApp }) => {
    const served = await serve({ ...options(), createApp, place: await open() });
    const browser = await signIn(served);
    const answers = await Promise.all(keys.map((key) => browser.post(`/set/${key}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect(await overHttp(browser)).toEqual({ name: "Ada", ...allSet });
  });

  it("by messages on 16 connections are all kept", async () => {
    const served = await serve({ ...options(), place: await open() });
    const browser = await signIn(served);
    const connections = await Promise.all(Array.from({ length: 16 }, () => browser.webSocket("/ws")));
    await Promise.all(
      keys.map((key, at) => {
        const ws = connections[at % connections.length] as (typeof connections)[number];
        ws.send(key);
        return nextMessage(ws);
      }),
    );
    expect(await overHttp(browser)).toEqual({ name: "Ada", ...allSet });
  });
});

describe("Redis, with 64 changes of one session at the same time", () => {
  let server: RedisServer;
  let client: RedisClient;

  beforeAll(async () => {
    server = await startRedisServer();
    client = await connectRedis(server.url);
  });

  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  const redis = async () => {
    const backend = redisBackend({ client });
    afterThisTest(() => backend.close());
    return { options: { backend }, store: backend.sessions.expressStore, aroundReads() {} };
  };

  /** Counts the calls inside scripts too. */
  async function commands(run: () => Promise<unknown>): Promise<number> {
    await client.configResetStat();
    await run();
    const calls = [...(await client.info("commandstats")).matchAll(/_(get|set|eval|evalsha):calls=(\d+)/g)];
    return calls.reduce((sum, [, , count]) => sum + Number(count), 0);
  }

  it("receives at most four commands for a request", async () => {
    const served = await serve({ ...options(), place: await redis() });
    const browser = await signIn(served);
    const count = await commands(() => Promise.all(keys.map((key) => browser.post(`/set/${key}`))));
    expect(await overHttp(browser)).toEqual({ name: "Ada", ...allSet });
    expect(count / atOnce).toBeLessThanOrEqual(4);
  });

  it("receives fewer writes than there are messages that save", async () => {
    const served = await serve({ ...options(), place: await redis() });
    const browser = await signIn(served);
    const connections = await Promise.all(keys.map(() => browser.webSocket("/ws")));
    const count = await commands(() =>
      Promise.all(
        connections.map((ws, at) => {
          ws.send(keys[at] as string);
          return nextMessage(ws);
        }),
      ),
    );
    expect(await overHttp(browser)).toEqual({ name: "Ada", ...allSet });
    expect(count / atOnce).toBeLessThan(3);
  });

  it("keeps all changes of two nodes, and refuses none", async () => {
    const shared = options();
    const [one, two] = await Promise.all([
      serve({ ...shared, place: await redis() }),
      serve({ ...shared, place: await redis() }),
    ]);
    const browser = await signIn(one);
    const other = two.browser();
    for (const [name, value] of browser.cookies) other.cookies.set(name, value);
    const answers = await Promise.all(
      keys.map((key, at) => (at % 2 === 0 ? browser : other).post(`/set/${key}`)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect(await overHttp(browser)).toEqual({ name: "Ada", ...allSet });
  });
});
