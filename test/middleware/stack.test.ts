import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import session from "express-session";
import { cookieMiddleware, sessionMiddleware, sessionMiddlewareStack } from "../../lib/index.ts";
import { browse, countUp, data, places, secret, signed, versions } from "./support.ts";

const pass: RequestHandler = (_req, _res, next) => next();

describe("a stack is refused with a TypeError that names the fix", () => {
  test.each<[string, unknown[], string]>([
    [
      "cookieMiddleware is passed uncalled",
      [cookieMiddleware, sessionMiddleware({ secret })],
      "pass cookieMiddleware()",
    ],
    [
      "sessionMiddleware is passed uncalled",
      [cookieMiddleware(), sessionMiddleware],
      "pass sessionMiddleware()",
    ],
    ["nothing is passed", [], "one sessionMiddleware"],
    ["there is no session middleware", [cookieMiddleware()], "got 0"],
    [
      "the session is express-session's own",
      [session({ secret, resave: false, saveUninitialized: false })],
      "got 0",
    ],
    ["there are two sessions", [sessionMiddleware({ secret }), sessionMiddleware({ secret })], "got 2"],
    ["one is an object", [sessionMiddleware({ secret }), {}], "argument 2"],
    ["one is undefined", [undefined, sessionMiddleware({ secret })], "argument 1"],
    ["they are in an array", [[cookieMiddleware(), sessionMiddleware({ secret })]], "argument 1"],
  ])("when %s", (_why, middlewares, message) => {
    const make = () => sessionMiddlewareStack(...(middlewares as RequestHandler[]));
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

describe.each(versions)("in $version", ({ createApp }) => {
  test.each(places)(
    "provides the cookies and the session of one cookie header, on $place",
    async ({ open }) => {
      const { options } = await open();
      const sessionStack = sessionMiddlewareStack(cookieMiddleware({ secret }), sessionMiddleware(options));
      const app = createApp();
      app.use(sessionStack());
      app.get("/", (req, res) => void res.json([countUp(req), req.cookies.theme, req.signedCookies.name]));
      const browser = await browse(app);
      browser.cookies.set("theme", "dark").set("name", signed("Ada"));
      expect((await browser.get("/")).json()).toEqual([1, "dark", "Ada"]);
      expect((await browser.get("/")).json()).toEqual([2, "dark", "Ada"]);
    },
  );

  test("runs its middlewares in order, each after the previous one is done", async () => {
    const seen: string[] = [];
    const slow: RequestHandler = (req, _res, next) => {
      setImmediate(() => {
        seen.push(`before: ${typeof req.session}`);
        next();
      });
    };
    const after: RequestHandler = async (req, _res, next) => {
      await Promise.resolve();
      seen.push(`after: ${typeof req.session}`);
      data(req).seen = true;
      next();
    };
    const app = createApp();
    app.use(sessionMiddlewareStack(pass, slow, sessionMiddleware({ secret }), after)());
    app.get("/", (req, res) => void res.json(data(req).seen));
    expect((await (await browse(app)).get("/")).body).toBe("true");
    expect(seen).toEqual(["before: undefined", "after: object"]);
  });

  const failures: Record<string, RequestHandler> = {
    throws: () => {
      throw new Error("of a middleware");
    },
    rejects: async () => {
      await Promise.resolve();
      throw new Error("of a middleware");
    },
    "gives an error to next": (_req, _res, next) => next(new Error("of a middleware")),
  };

  test.each(Object.keys(failures))(
    "a middleware that %s ends the stack, and the app receives the error",
    async (how) => {
      for (const isBefore of [true, false]) {
        const failing = failures[how] as RequestHandler;
        const stacked = isBefore
          ? [failing, sessionMiddleware({ secret })]
          : [sessionMiddleware({ secret }), failing];
        const never: string[] = [];
        const app = createApp();
        app.use(
          sessionMiddlewareStack(...stacked, (_req, _res, next) => {
            never.push("stacked");
            next();
          })(),
        );
        app.use((req, _res, next) => {
          never.push(req.path);
          next();
        });
        app.use(
          ((error: Error, _req, res, _next) =>
            void res.status(418).send(error.message)) as ErrorRequestHandler,
        );
        const response = await (await browse(app)).get("/");
        expect([response.status, response.body, never]).toEqual([418, "of a middleware", []]);
      }
    },
  );

  test('a middleware may leave the router or the route with next("router")', async () => {
    const leave: RequestHandler = (_req, _res, next) => next("router");
    const app = createApp();
    const router = express.Router();
    router.use(sessionMiddlewareStack(sessionMiddleware({ secret }), leave)());
    router.get("/", (_req, res) => void res.send("inside"));
    app.use(router);
    app.get("/", (_req, res) => void res.send("outside"));
    expect((await (await browse(app)).get("/")).body).toBe("outside");
  });

  test("a middleware that sends the response itself still has the session saved", async () => {
    const app = createApp();
    app.use(
      sessionMiddlewareStack(sessionMiddleware({ secret }), (req, res) => void res.json(countUp(req)))(),
    );
    const browser = await browse(app);
    expect([(await browser.get("/")).body, (await browser.get("/")).body]).toEqual(["1", "2"]);
  });
});

test("a stack can be mounted twice, and the second mount does nothing", async () => {
  const sessionStack = sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret }));
  const app = express();
  app.use(sessionStack(), sessionStack());
  app.get("/", (req, res) => void res.json(countUp(req)));
  const response = await (await browse(app)).get("/");
  expect([response.body, response.setCookies.length]).toEqual(["1", 1]);
});

test("on and off are those of its session middleware, and are chainable", async () => {
  const store = new session.MemoryStore();
  store.touch = (_sid, _data, done?: (error?: unknown) => void) => done?.(new Error("read-only"));
  const middleware = sessionMiddleware({ secret, store, touchAfterMs: 0 });
  const sessionStack = sessionMiddlewareStack(middleware);
  const heard: string[] = [];
  const leaving = () => heard.push("left");
  expect(
    sessionStack.on("error", (error, req) => heard.push(`${(error as { code?: string }).code} ${req.path}`)),
  ).toBe(sessionStack);
  expect(sessionStack.on("error", leaving).off("error", leaving)).toBe(sessionStack);
  expect(middleware.on("error", () => heard.push("middleware"))).toBe(middleware);
  const app = express();
  app.use(sessionStack());
  app.get("/", (req, res) => void res.json(data(req).count ?? countUp(req)));
  const browser = await browse(app);
  await browser.get("/");
  await browser.get("/");
  expect(heard).toEqual(["ERR_STORE_UNAVAILABLE /", "middleware"]);
});

test("functions in stack traces have the names of their factories", () => {
  const sessionStack = sessionMiddlewareStack(sessionMiddleware({ secret }));
  expect([cookieMiddleware().name, sessionStack().name]).toEqual(["cookieMiddleware", "sessionStack"]);
});
