import type { NextFunction, Request, Response } from "express";
import {
  cookieMiddleware,
  memoryBackend,
  sessionMiddleware,
  sessionMiddlewareStack,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { Browser, closed } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type Place, places, sharedPlaces, sharedRedis } from "./places.ts";
import { afterThisTest, overHttp, type Served, secret, serve, sidOf, signIn, stored } from "./support.ts";

const ends: { by: string; end: (served: Served, browser: Browser) => Promise<unknown> }[] = [
  { by: "another request that destroys it", end: (_, browser) => browser.post("/destroy") },
  { by: "another request that regenerates it", end: (_, browser) => clone(browser).post("/regenerate") },
  {
    by: "req.sessionStore.destroy",
    end: (served, browser) => served.browser().post(`/destroy/${sidOf(browser)}`),
  },
];

/** A copy of the visitor, with its own cookies from then on. */
function clone(browser: Browser): Browser {
  const twin = new Browser(browser.baseUrl);
  for (const [name, value] of browser.cookies) twin.cookies.set(name, value);
  afterThisTest(() => twin.close());
  return twin;
}

/** Asserts that the handshake is refused, its session stays ended, and nothing of it is left. */
async function expectRefused(place: Place, served: Served, browser: Browser): Promise<void> {
  await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 401 });
  expect(served.opened).toEqual([]);
  expect(served.wsSessions.connections.size).toBe(0);
  expect(await stored(place.store, sidOf(browser))).toBeUndefined();
  expect(await overHttp(browser)).toEqual({});
  expect(served.errors).toEqual([]);
}

/** An authorize that waits, after which the session is read again. */
const webSocket = { path: "/ws", authorize: async () => true };

describe.each(places)("a session on $place that ends during a handshake is refused", ({ open }) => {
  let place: Place;

  beforeEach(async () => {
    place = await open();
  });

  test.each(ends)("while authorize runs: by $by", async ({ end }) => {
    let during: () => Promise<unknown> = async () => {};
    const served = await serve({
      place,
      webSocket: { path: "/ws", authorize: () => during().then(() => true) },
    });
    const browser = await signIn(served);
    during = () => end(served, browser);
    await expectRefused(place, served, browser);
  });

  test.each(ends)("just after it was read, without anything to wait for: by $by", async ({ end }) => {
    const served = await serve({ place });
    const browser = await signIn(served);
    let reads = 0;
    place.aroundReads(async (read) => {
      await read();
      if (reads++ === 0) await end(served, browser);
    });
    await expectRefused(place, served, browser);
  });

  test.each(ends)("just before it is read again: by $by", async ({ end }) => {
    const served = await serve({ place, webSocket });
    const browser = await signIn(served);
    let reads = 0;
    place.aroundReads(async (read) => {
      if (++reads === 2) await end(served, browser);
      await read();
    });
    await expectRefused(place, served, browser);
  });

  test.each(ends)("just after it was read again: by $by", async ({ end }) => {
    const served = await serve({ place, webSocket });
    const browser = await signIn(served);
    let reads = 0;
    place.aroundReads(async (read) => {
      await read();
      if (reads++ === 1) await end(served, browser);
    });
    await expectRefused(place, served, browser);
  });

  test("in a middleware after the session", async () => {
    let during: () => Promise<unknown> = async () => {};
    const slow = (req: Request, _res: Response, next: NextFunction) => {
      if (req.path === "/ws") during().then(() => next(), next);
      else next();
    };
    const served = await serve({ place, behindSession: [slow] });
    const browser = await signIn(served);
    during = () => browser.post("/destroy");
    await expectRefused(place, served, browser);
  });

  test("but one that was gone earlier gives a fresh session, which authorize accepts or refuses", async () => {
    const served = await serve({
      place,
      webSocket: { path: "/ws", authorize: ({ session }) => "name" in session },
    });
    const browser = await signIn(served);
    const twin = clone(browser);
    await browser.post("/destroy");
    await expect(twin.webSocket("/ws")).rejects.toMatchObject({ statusCode: 403 });
  });
});

describe.each(sharedPlaces)(
  "a session on $place that another process deletes during a handshake",
  ({ open }) => {
    test("is refused when it was gone before the second read", async () => {
      const place = await open();
      const served = await serve({ place, webSocket });
      const browser = await signIn(served);
      let reads = 0;
      place.aroundReads(async (read) => {
        if (++reads === 2) await place.deleteFromOutside?.(sidOf(browser));
        await read();
      });
      await expectRefused(place, served, browser);
    });

    test.each([
      ["only", 1, () => true],
      ["second", 2, async () => true],
    ])(
      "closes its connection within a revalidation if it is deleted after the %s read",
      async (_, last, authorize) => {
        const place = await open();
        const served = await serve({ place, webSocket: { path: "/ws", revalidateMs: 200, authorize } });
        const browser = await signIn(served);
        // Every session is read twice until the node has joined.
        (await browser.webSocket("/ws")).close();
        let reads = 0;
        place.aroundReads(async (read) => {
          await read();
          if (++reads === last) await place.deleteFromOutside?.(sidOf(browser));
        });
        expect(await closed(await browser.webSocket("/ws"))).toEqual({ code: 4501, reason: "session_ended" });
      },
    );
  },
);

test("a session that ends before the node receives messages is refused", async () => {
  const client = await sharedRedis();
  const prefix = uniquePrefix("ws");
  const backend = redisBackend({ client, prefix });
  let letJoin: () => void = () => {};
  const joining = new Promise<void>((resolve) => {
    letJoin = resolve;
  });
  const { bus, sessions } = backend;
  const subscribe = bus.subscribe.bind(bus);
  bus.subscribe = (...args) => joining.then(() => subscribe(...args));
  const served = await serve({ session: { backend } });
  const browser = await signIn(served);
  const read = sessions.read.bind(sessions);
  sessions.read = async (sid) => {
    sessions.read = read;
    const found = await read(sid);
    // After the result is passed on.
    setImmediate(() => void client.del(`${prefix}sess:${sid}`).then(letJoin));
    return found;
  };
  await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 401 });
  expect(served.opened).toEqual([]);
});

// The steps from the store's answer to the open connection are microtasks. An end could come at each of them.
test.each([
  ["only", 1, () => true],
  ["second", 2, async () => true],
])(
  "no ending is missed at any moment between the %s read and the open connection",
  async (_, last, authorize) => {
    const missed: string[] = [];
    for (let steps = 0; steps < 50 && missed.length === 0; steps++) {
      const backend = memoryBackend();
      const { sessions } = backend;
      const stack = sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret, backend }));
      const wsSessions = webSocketSessions(stack, { authorize });
      const { server, url, close } = await listen((req, res) => {
        stack()(req as Request, res as Response, () => {
          Object.assign((req as Request).session, { name: "Ada" });
          res.end();
        });
      });
      server.on("upgrade", wsSessions.handleUpgrade);
      const browser = new Browser(url);
      await browser.get("/");

      let reads = 0;
      const read = sessions.read.bind(sessions);
      sessions.read = (sid) => {
        const found = read(sid);
        if (++reads === last) void after(steps, () => sessions.remove(sid, "session_ended"));
        return found;
      };
      const outcome = await browser
        .webSocket("/ws")
        .then(
          (ws) => closed(ws).then(({ code }) => code),
          (error) => error.statusCode,
        )
        .catch(() => "still open");
      if (outcome !== 401 && outcome !== 4501) missed.push(`after ${steps} steps: ${outcome}`);
      browser.close();
      await close();
    }
    expect(missed).toEqual([]);
  },
);

async function after(steps: number, action: () => unknown): Promise<void> {
  for (let step = 0; step < steps; step++) await undefined;
  await action();
}
