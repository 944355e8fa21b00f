import express from "express";
import {
  cookieMiddleware,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { Browser } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import {
  afterThisTest,
  answerError,
  closedAfterThisTest,
  data,
  secret,
  sharedRedis,
  sidOf,
} from "../users/support.ts";
import { signed } from "../websocket/support.ts";

describe("prototypes that other code has changed", () => {
  const added = {
    origins: () => true,
    authorize: () => true,
    secret: "a secret of somebody else, of 32 bytes and more",
    name: "polluted",
    httpOnly: false,
    secure: false,
    sameSite: "none",
    domain: "evil.example",
    saveUninitialized: true,
    userId: () => "eve",
    keep: ["polluted"],
    prefix: "evil:",
    authorizeGroup: () => true,
    decode: () => "decoded",
    disableTTL: true,
    serializer: { parse: () => ({ cookie: {}, login: { userId: "eve" } }), stringify: () => "{}" },
    resave: true,
    unset: "destroy",
    graceMs: 1,
  };

  /** Runs a step with these members on Object.prototype. */
  function polluted<Made>(make: () => Made): Made {
    for (const [name, value] of Object.entries(added))
      Object.defineProperty(Object.prototype, name, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    try {
      return make();
    } finally {
      for (const name of Object.keys(added)) delete (Object.prototype as Record<string, unknown>)[name];
    }
  }

  async function visitedBy(options: { secret?: string }) {
    const client = await sharedRedis();
    const prefix = uniquePrefix("pollution");
    const { stack, wsSessions } = polluted(() => {
      const backend = closedAfterThisTest(redisBackend({ client, prefix }));
      const made = sessionMiddlewareStack(cookieMiddleware({}), sessionMiddleware({ ...options, backend }));
      userSessions(made, {});
      return { stack: made, wsSessions: webSocketSessions(made, { path: "/ws" }).attach(realtime({})) };
    });
    const app = express().use(stack());
    app.get("/", (req, res) => void res.json(Object.assign(data(req), { name: "Ada" })));
    app.use(answerError);
    const { server, url, close } = await listen(app);
    server.on("upgrade", wsSessions.handleUpgrade);
    afterThisTest(close);
    return { browser: new Browser(url), client, prefix };
  }

  // Once, an inherited secret signed the cookies, and an inherited userId chose every user.
  test("provide no option of any factory and no attribute of the cookie", async () => {
    const { browser, client, prefix } = await visitedBy({ secret });
    const { setCookies } = await browser.get("/");
    expect(setCookies).toEqual([
      expect.stringMatching(/^connect\.sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect(browser.cookies.get("connect.sid")).toBe(signed(sidOf(browser)));
    const [key = ""] = await client.keys(`${prefix}sess:*`);
    expect(JSON.parse((await client.get(key)) ?? "")).toEqual({ cookie: expect.any(Object), name: "Ada" });
    expect(await client.ttl(key)).toBeGreaterThan(0);
    await expect(browser.webSocket("/ws", { origin: "http://evil.example" })).rejects.toMatchObject({
      statusCode: 403,
    });
    (await browser.webSocket("/ws")).terminate();
    const unsigned = await visitedBy({});
    expect((await unsigned.browser.get("/")).body).toContain('option \\"secret\\" is required');
  });
});
