import type { Server } from "node:http";
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from "express";
import type { WebSocket } from "ws";
import {
  type Backend,
  cookieMiddleware,
  memoryBackend,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
  type User,
  type UserSessions,
  type UserSessionsOptions,
  userSessions,
  type WebSocketSessions,
  type WebSocketSessionsOptions,
  webSocketSessions,
} from "../../lib/index.ts";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import { type RedisBackendOptions, redisBackend } from "../../lib/redis.ts";
import { Browser, UpgradeRefusedError } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { timeoutMs } from "../support/patience.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

export { answerNext, beforeNext, gate, lost } from "../support/next-call.ts";

export const secret = "a secret of these tests, at least 32 bytes long";

/** The backends, each opened for one test. */
export const places: { place: string; open: () => Promise<Backend> }[] = [
  { place: "memory", open: async () => closedAfterThisTest(memoryBackend()) },
  { place: "Redis", open: async () => (await redisPlace()).backend },
];

/** A Redis backend with what tests look at behind its back. */
export interface RedisPlace {
  backend: Backend;
  client: RedisClient;
  prefix: string;
  /** All keys of this test, without the prefix and without the leases of nodes. */
  keys(): Promise<string[]>;
}

/** Opens a Redis backend under its own prefix; `wrap` puts something before the client. */
export async function redisPlace(
  options: Partial<RedisBackendOptions> = {},
  wrap: (client: RedisClient) => RedisClient = (client) => client,
): Promise<RedisPlace> {
  const client = await sharedRedis();
  const prefix = uniquePrefix("users");
  const backend = closedAfterThisTest(redisBackend({ client: wrap(client), prefix, ...options }));
  const keys = async () =>
    (await client.keys(`${prefix}*`))
      .map((key) => key.slice(prefix.length))
      .filter((key) => key !== "session-stack:nodes");
  return { backend, client, prefix, keys };
}

export interface ServeOptions {
  backend: Backend;
  session?: SessionMiddlewareOptions;
  users?: UserSessionsOptions;
  webSocket?: WebSocketSessionsOptions;
  /** Middlewares of the stack, after the session's. */
  behindSession?: RequestHandler[];
  routes?: (app: Express, users: UserSessions) => void;
}

export interface Served {
  app: Express;
  server: Server;
  url: string;
  stack: SessionStack;
  users: UserSessions;
  wsSessions: WebSocketSessions;
  /** The `error` events. */
  errors: Error[];
  /** The user events so far, as "user_logged_in ada". */
  events: string[];
  /** The connections that have opened, oldest first. */
  opened: { ws: WebSocket; req: Request }[];
  /** A new visitor, without cookies. */
  browser(): Browser;
}

/** Serves an app until the end of the test. Its visitors log in and out by HTTP and on the path /ws. */
export async function serve(options: ServeOptions): Promise<Served> {
  const errors: Error[] = [];
  const events: string[] = [];
  const opened: Served["opened"] = [];
  const stack = sessionMiddlewareStack(
    cookieMiddleware(),
    sessionMiddleware({ secret, timeoutMs, backend: options.backend, ...options.session }),
    ...(options.behindSession ?? []),
  ).on("error", (error) => errors.push(error));
  const users = userSessions(stack, options.users)
    .on("user_logged_in", ({ userId }) => events.push(`user_logged_in ${userId}`))
    .on("user_logged_out", ({ userId }) => events.push(`user_logged_out ${userId}`));
  const app = express();
  app.use(stack());
  userRoutes(app, users);
  options.routes?.(app, users);
  app.use(answerError);

  const wsSessions = webSocketSessions(stack, { path: "/ws", app, ...options.webSocket })
    .on("error", (error) => errors.push(error))
    .on("connection", (ws, req) => {
      opened.push({ ws, req });
      ws.on("message", () => ws.send(JSON.stringify(contents(req))));
    });
  const { server, url, close } = await listen(app);
  server.on("upgrade", wsSessions.handleUpgrade);
  afterThisTest(close);

  function browser(): Browser {
    const visitor = new Browser(url);
    afterThisTest(() => visitor.close());
    return visitor;
  }
  return { app, server, url, stack, users, wsSessions, errors, events, opened, browser };
}

/** What visitors do by HTTP. */
export function userRoutes(app: Express, { logIn, logOut }: UserSessions): void {
  app.get("/me", (req, res) => void res.json(contents(req)));
  app.post("/login", express.json(), (req, res, next) => {
    logIn(req, req.body.user as User).then(() => res.json(contents(req)), next);
  });
  app.post("/logout", (req, res, next) => void logOut(req).then(() => res.sendStatus(204), next));
  app.post("/regenerate", (req, res, next) => {
    req.session.regenerate().then(() => res.sendStatus(204), next);
  });
  // Sets what the body holds, and deletes what it has as null.
  app.post("/set", express.json(), (req, res) => {
    for (const [name, value] of Object.entries(req.body as object)) {
      if (value === null) delete data(req)[name];
      else data(req)[name] = value;
    }
    res.json(contents(req));
  });
}

export const answerError: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status(error.status ?? 500).json({ name: error.name, code: error.code, message: error.message });
};

/** A visitor who has logged in by `logIn`. */
export async function signIn(served: Served, user: User = "ada", headers: object = {}): Promise<Browser> {
  const browser = served.browser();
  const { status } = await browser.post("/login", { json: { user }, headers: { ...headers } });
  expect(status).toBe(200);
  return browser;
}

/** What a request finds in the session of the browser's cookie, without the cookie's own data. */
export async function me(browser: Browser): Promise<Record<string, unknown>> {
  const { status, ...response } = await browser.get("/me");
  expect(status).toBe(200);
  return response.json() as Record<string, unknown>;
}

/** The status with which a handshake of the browser is answered. */
export async function handshakeStatus(browser: Browser, path = "/ws"): Promise<number> {
  try {
    (await browser.webSocket(path)).terminate();
    return 101;
  } catch (error) {
    if (error instanceof UpgradeRefusedError) return error.statusCode;
    throw error;
  }
}

function contents(req: Request): object {
  return { ...req.session, cookie: undefined };
}

/** A session's contents under any name. An augmentation of its type would affect other tests. */
export function data(req: Request): Record<string, unknown> {
  return req.session as unknown as Record<string, unknown>;
}

/** The session id in a browser's cookie. */
export function sidOf(browser: Browser): string {
  const value = decodeURIComponent(browser.cookies.get("connect.sid") ?? "");
  return value.slice("s:".length, value.lastIndexOf("."));
}

/** The ids that the index has of a user, in any order that is the same each time. */
export async function indexed({ sessionIndex }: Backend, userId: string): Promise<string[]> {
  return (await sessionIndex.entries(userId)).map(({ sid }) => sid).sort();
}

/** The user of sessions whose app only sets the field `owner`. */
export function byOwner(session: object): string | number | undefined {
  return (session as { owner?: string | number }).owner;
}

const cleanups: (() => unknown)[] = [];

/** Runs a step after the current test. The step that was added last runs first. */
export function afterThisTest(step: () => unknown): void {
  cleanups.push(step);
}

afterEach(async () => {
  for (const step of cleanups.splice(0).reverse()) await step();
});

export function closedAfterThisTest(backend: Backend): Backend {
  afterThisTest(() => backend.close());
  return backend;
}

let redis: Promise<RedisClient> | undefined;

/** A client of the shared Redis. Each test file has one. */
export function sharedRedis(): Promise<RedisClient> {
  redis ??= connectRedis();
  return redis;
}

afterAll(async () => {
  (await redis)?.destroy();
});
