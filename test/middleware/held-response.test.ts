import { once } from "node:events";
import { request as httpRequest } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import { sessionMiddleware } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { browse, countUp, data, places, secret, sidOf, stored, versions } from "./support.ts";
import { WaitingStore } from "./waiting-store.ts";

function waitingApp(routes: (app: express.Express) => void, createApp: () => express.Express = express) {
  const store = new WaitingStore();
  const app = createApp();
  app.use(sessionMiddleware({ secret, store }));
  routes(app);
  return { app, store };
}

const visited = (req: Request, res: Response) => void res.json(countUp(req));

describe.each(versions)("in $version", ({ createApp }) => {
  test("sends a redirect only after the session is stored", async () => {
    const { app, store } = waitingApp((app) => {
      app.get("/", (req, res) => {
        countUp(req);
        res.redirect("/next");
      });
    }, createApp);
    const browser = await browse(app);
    const arrived = store.hold();
    let isAnswered = false;
    const answer = browser.get("/").finally(() => {
      isAnswered = true;
    });
    await arrived;
    // Other requests are served meanwhile.
    await browse(app).then((other) => other.get("/nowhere"));
    expect(isAnswered).toBe(false);
    store.release();
    const response = await answer;
    expect([response.status, response.headers.location]).toEqual([302, "/next"]);
    expect(await stored(store, sidOf(browser))).toMatchObject({ count: 1 });
  });

  test("keeps the first response whole when the handler answers twice", async () => {
    const { app } = waitingApp((app) => {
      app.get("/", (req, res) => {
        countUp(req);
        res.set("X-Answer", "first").json({ answer: "the first and longer one" });
        res.status(404).set("X-Answer", "second").json({ answer: 2 });
      });
    }, createApp);
    const browser = await browse(app);
    const response = await browser.get("/");
    expect(response.status).toBe(200);
    expect(response.headers["x-answer"]).toBe("first");
    expect(response.json()).toEqual({ answer: "the first and longer one" });
    expect(response.setCookies).toHaveLength(1);
  });

  test("keeps the response whole when the handler throws after it", async () => {
    const { app, store } = waitingApp((app) => {
      app.get("/", (req, res) => {
        countUp(req);
        res.json({ answer: "whole" });
        throw new Error("too late");
      });
    }, createApp);
    const browser = await browse(app);
    const response = await browser.get("/");
    expect([response.status, response.body]).toEqual([200, '{"answer":"whole"}']);
    expect(await stored(store, sidOf(browser))).toMatchObject({ count: 1 });
  });

  test("keeps the response whole when an error handler sets, writes and ends after it", async () => {
    const { app } = waitingApp((app) => {
      app.get("/", (req, res) => {
        countUp(req);
        res.set("X-Own", "1").send("whole");
        throw new Error("too late");
      });
      app.use((_error: Error, _req: Request, res: Response, _next: NextFunction) => {
        res.statusCode = 500;
        res.removeHeader("X-Own");
        res.setHeader("X-Late", "1");
        res.write("corrupt");
        res.end("corrupt");
      });
    }, createApp);
    const { status, body, headers } = await (await browse(app)).get("/");
    expect([status, body, headers["x-own"], headers["x-late"]]).toEqual([200, "whole", "1", undefined]);
  });
});

test("calls the callback of res.end after the response is sent", async () => {
  const { app } = waitingApp((app) => {
    app.get("/", (req, res) => {
      countUp(req);
      res.end("x", () => app.emit("sent"));
    });
  });
  const sent = once(app, "sent");
  await (await browse(app)).get("/");
  await sent;
});

test("answers pipelined requests in order while the session of the first is stored", async () => {
  const { app, store } = waitingApp((app) => {
    app.get("/first", visited);
    app.get("/second", (_req, res) => void res.send("second"));
  });
  const { baseUrl } = await browse(app);
  const arrived = store.hold();
  const head = (path: string, more: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  const answer = rawRequest(
    Number(new URL(baseUrl).port),
    head("/first", "") + head("/second", "Connection: close\r\n"),
  );
  await arrived;
  store.release();
  expect((await answer).match(/HTTP\/1\.1 \d+|^1$|second$/gm)).toEqual([
    "HTTP/1.1 200",
    "HTTP/1.1 200",
    "second",
  ]);
  expect(await answer).toMatch(/\r\n\r\n1HTTP/);
});

test("stores the session of a client that goes away while its response is held", async () => {
  const { app, store } = waitingApp((app) => void app.get("/", visited));
  const browser = await browse(app);
  await browser.get("/");
  const arrived = store.hold();
  const request = httpRequest(browser.baseUrl, {
    headers: { cookie: `connect.sid=${browser.cookies.get("connect.sid")}` },
  });
  request.on("error", () => {});
  request.end();
  await arrived;
  request.destroy();
  store.release();
  await eventually(async () => expect(await stored(store, sidOf(browser))).toMatchObject({ count: 2 }));
  expect((await browser.get("/")).body).toBe("3");
});

describe.each(places)("on $place", ({ open }) => {
  const unserialisable = {
    "a circle": (session: Record<string, unknown>) => {
      session.self = session;
    },
    "a BigInt": (session: Record<string, unknown>) => {
      session.big = 1n;
    },
    "a toJSON that throws": (session: Record<string, unknown>) => {
      session.thing = {
        toJSON() {
          throw new RangeError("no JSON of me");
        },
      };
    },
  };

  describe.each(Object.entries(unserialisable))("contents that cannot be stored, %s,", (_what, spoil) => {
    const routes: Record<string, (req: Request, res: Response) => unknown> = {
      "/send": (_req, res) => res.json({ fine: true }),
      "/later": async (_req, res) => {
        await new Promise(setImmediate);
        res.json({ fine: true });
      },
      "/callback": (_req, res) => void setImmediate(() => res.json({ fine: true })),
      "/redirect": (_req, res) => res.redirect("/elsewhere"),
      "/save": (req, res, ...[next]: unknown[]) => {
        req.session.save((error) => (error ? (next as NextFunction)(error) : res.end()));
      },
    };

    test.each(Object.keys(routes))("give an error and do not hang: %s", async (path) => {
      const { options, store } = await open();
      const app = express();
      app.use(sessionMiddleware({ secret, ...options }));
      app.get("/", visited);
      app.get(path, (req, res, next) => {
        countUp(req);
        spoil(data(req));
        return (routes[path] as (...args: unknown[]) => unknown)(req, res, next);
      });
      app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
        res.status(500).json({ failed: error.name });
      });
      const browser = await browse(app);
      await browser.get("/");
      const response = await browser.get(path);
      expect([response.status, response.setCookies]).toEqual([500, []]);
      expect(response.json()).toEqual({ failed: expect.stringMatching(/^(TypeError|RangeError)$/) });
      expect(await stored(store, sidOf(browser))).toMatchObject({ count: 1 });
      expect((await browser.get("/")).body).toBe("2");
    });
  });
});
