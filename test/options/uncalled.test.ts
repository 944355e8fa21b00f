import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { ErrorRequestHandler, RequestHandler } from "express";
import {
  cookieMiddleware,
  memoryBackend,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { afterThisTest, browse, versions } from "../middleware/support.ts";
import { listen } from "../support/http-server.ts";
import { handshake } from "../websocket/raw-handshake.ts";

const backend = memoryBackend();
const sessionStack = sessionMiddlewareStack(sessionMiddleware({ secret: "s", backend }));
const wsSessions = webSocketSessions(sessionStack);

afterAll(() => backend.close());

const uncalled: [name: string, factory: unknown, fix: string][] = [
  ["sessionStack", sessionStack, "sessionStack: it was passed uncalled; write app.use(sessionStack())"],
  [
    "sessionMiddleware",
    sessionMiddleware,
    "sessionMiddleware: it was passed uncalled; pass sessionMiddleware({ secret })",
  ],
  ["cookieMiddleware", cookieMiddleware, "cookieMiddleware: it was passed uncalled; pass cookieMiddleware()"],
  ["sessionMiddlewareStack", sessionMiddlewareStack, "write app.use(sessionStack())"],
  ["webSocketSessions", webSocketSessions, 'write server.on("upgrade", wsSessions.handleUpgrade)'],
  ["handleUpgrade", wsSessions.handleUpgrade, 'write server.on("upgrade", wsSessions.handleUpgrade)'],
  ["userSessions", userSessions, "as userSessions(sessionStack)"],
  ["realtime", realtime, "realtime: it was passed uncalled"],
  ["memoryBackend", memoryBackend, "memoryBackend: it was passed uncalled"],
  ["redisBackend", redisBackend, "redisBackend: it was passed uncalled"],
];

// Once, each request waited for ever.
describe.each(versions)(
  "a factory that is passed to app.use uncalled is an error of the request, on $version",
  ({ createApp }) => {
    test.each(uncalled)("%s", async (_name, factory, fix) => {
      let failure: unknown;
      const app = createApp();
      app.use(factory as RequestHandler);
      app.get("/", (_req, res) => void res.end("not reached"));
      app.use(((error, _req, res, _next) => {
        failure = error;
        res.status(500).end("told");
      }) as ErrorRequestHandler);
      const { status, body } = await (await browse(app)).get("/");
      expect([status, body]).toEqual([500, "told"]);
      expect(failure).toBeInstanceOf(TypeError);
      expect((failure as Error).message).toContain(fix);
    });

    test("is an error of the request in a route too", async () => {
      const app = createApp();
      app.get("/route", sessionStack as unknown as RequestHandler, (_req, res) => void res.end());
      app.use(((_error, _req, res, _next) => void res.status(500).end("told")) as ErrorRequestHandler);
      expect((await (await browse(app)).get("/route")).body).toBe("told");
    });
  },
);

test.each(uncalled.slice(0, 6))(
  "%s passes the error to the next of a plain server",
  async (_name, factory, fix) => {
    const server = (req: unknown, res: { end(text: string): void }) =>
      (factory as (...args: unknown[]) => void)(req, res, (error?: Error) => res.end(String(error?.message)));
    const { url, close } = await listen(server as unknown as RequestListener);
    afterThisTest(close);
    expect(await (await fetch(url)).text()).toContain(fix);
  },
);

/** The error that a listener throws, and the end of the client's line. */
async function thrownBy(event: "request" | "upgrade", listener: unknown): Promise<unknown> {
  const server: Server = createServer();
  const thrown = new Promise((resolve) => {
    server.on(event, (...args: unknown[]) => {
      try {
        (listener as (...args: unknown[]) => void)(...args);
        resolve("nothing was thrown");
      } catch (error) {
        resolve(error);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterThisTest(() => new Promise((resolve) => server.close(resolve)));
  const line = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const ended = new Promise((resolve) => line.on("close", resolve).on("error", () => {}));
  line.resume().write(event === "upgrade" ? handshake("/") : "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const error = await thrown;
  // Also if the app continues after an uncaught exception.
  await ended;
  return error;
}

test.each(uncalled.slice(0, 5))(
  "%s as a listener of requests throws and ends the connection",
  async (_name, factory) => {
    expect(await thrownBy("request", factory)).toBeInstanceOf(TypeError);
  },
);

test.each(uncalled.slice(0, 5))(
  "%s as a listener of upgrades throws and ends the connection",
  async (_name, factory, fix) => {
    const error = await thrownBy("upgrade", factory);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(fix);
  },
);

test("Node refuses wsSessions as a listener of upgrades at once", () => {
  expect(() => createServer().on("upgrade", wsSessions as never)).toThrow(
    /"listener" argument must be of type function/,
  );
});

test("io.use(sessionStack) passes the error to next", () => {
  const told: unknown[] = [];
  (sessionStack as unknown as (...args: unknown[]) => void)({ request: {} }, (error: unknown) =>
    told.push(error),
  );
  expect(told).toEqual([expect.any(TypeError)]);
});

test.each<[string, () => unknown, string]>([
  [
    "webSocketSessions(sessionStack())",
    () => webSocketSessions(sessionStack() as never),
    "webSocketSessions: the first argument must be what sessionMiddlewareStack(…) returns, uncalled, as webSocketSessions(sessionStack), not sessionStack()",
  ],
  ["userSessions(sessionStack())", () => userSessions(sessionStack() as never), "not sessionStack()"],
  ["webSocketSessions(server)", () => webSocketSessions(createServer() as never), "not such a Server"],
  ["webSocketSessions({ path })", () => webSocketSessions({ path: "/ws" } as never), "not such an object"],
  ["userSessions()", () => userSessions(undefined as never), "not undefined"],
  [
    "a stack of a factory",
    () => sessionMiddlewareStack(sessionMiddleware as never),
    "pass sessionMiddleware(), called",
  ],
  [
    "a stack of a stack",
    () => sessionMiddlewareStack(sessionStack as never, sessionMiddleware({ secret: "s" })),
    "argument 1 must be a middleware function, not another stack",
  ],
  [
    "a stack of an array",
    () => sessionMiddlewareStack([sessionMiddleware({ secret: "s" })] as never),
    "argument 1 must be a middleware function, not such an array",
  ],
  [
    "a stack with a handler of errors",
    () =>
      sessionMiddlewareStack(sessionMiddleware({ secret: "s" }), ((
        _e: unknown,
        _q: unknown,
        _s: unknown,
        _n: unknown,
      ) => {}) as never),
    "argument 2 must be a middleware function, not one for errors",
  ],
  ["attach(realtime)", () => wsSessions.attach(realtime as never), "as attach(realtime())"],
])("%s is a TypeError that names the mistake", (_what, make, message) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(message);
});
