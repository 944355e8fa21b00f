import { RedisStore } from "connect-redis";
import express from "express";
import session, { type Store } from "express-session";
import { redisBackend } from "../../lib/redis.ts";
import { eventually } from "../support/eventually.ts";
import { listen } from "../support/http-server.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type Place, sharedRedis } from "./places.ts";
import { afterThisTest, data, overHttp, secret, serve, sidOf, signed, stored } from "./support.ts";

const hour = 3_600_000;

function ofBackend(backend: ReturnType<typeof redisBackend>): Place {
  return { options: { backend }, store: backend.sessions.expressStore as Store, aroundReads: () => {} };
}

describe("beside express-session with connect-redis", () => {
  test.each<[string, unknown, number | null]>([
    ["false", false, null],
    ["null", null, null],
    ["a Date", new Date(Date.now() + hour), hour],
  ])(
    "a session whose expires is %s works on the stack, on express-session again, and on the stack once more",
    async (_, expires, age) => {
      const client = await sharedRedis();
      const prefix = uniquePrefix("over");
      const theirs = express();
      const store = new RedisStore({ client, prefix: `${prefix}sess:` });
      theirs.use(session({ secret, store, resave: false, saveUninitialized: false }));
      theirs.get("/", (req, res) => {
        data(req).count = Number(data(req).count ?? 0) + 1;
        if (req.query.set) Object.assign(req.session.cookie, { expires });
        res.json(data(req).count);
      });
      const peer = await listen(theirs);
      afterThisTest(peer.close);
      const first = await fetch(`${peer.url}/?set=1`);
      const cookie = first.headers.getSetCookie()[0]?.split(";")[0] as string;
      const served = await serve({
        place: ofBackend(redisBackend({ client, prefix })),
      });
      const browser = served.browser();
      browser.cookies.set("connect.sid", cookie.split("=")[1] as string);
      (await browser.webSocket("/ws")).terminate();
      for (let n = 2; n < 5; n++) {
        expect(await overHttp(browser)).toMatchObject({ count: n - 1 });
        await browser.post("/session", { json: { ours: n } });
        const kept = await stored(store, sidOf(browser));
        if (age === null) expect(kept?.cookie).toMatchObject({ originalMaxAge: null, expires: null });
        else expect(Math.abs((kept?.cookie.originalMaxAge as number) - age)).toBeLessThan(10_000);
        expect(await (await fetch(peer.url, { headers: { cookie } })).json()).toBe(n);
      }
      expect(await overHttp(browser)).toEqual({ count: 4, ours: 4 });
      expect(served.errors).toEqual([]);
    },
  );

  test("a session whose expires is false is touched once in a window, not with each read", async () => {
    const client = await sharedRedis();
    const prefix = uniquePrefix("false");
    const backend = redisBackend({ client, prefix });
    const touched = jest.spyOn(backend.sessions, "refresh");
    const served = await serve({ place: ofBackend(backend) });
    const text = JSON.stringify({ cookie: { path: "/", originalMaxAge: false, expires: false }, n: 1 });
    await client.set(`${prefix}sess:known`, text);
    const browser = served.browser();
    browser.cookies.set("connect.sid", signed("known"));
    for (let n = 0; n < 5; n++) expect(await overHttp(browser)).toEqual({ n: 1 });
    await eventually(() => expect(touched).toHaveBeenCalledTimes(1));
    expect(await client.get(`${prefix}sess:known`)).toBe(text);
  });
});
