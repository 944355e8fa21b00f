import type { Server } from "node:http";
import express, { type Express } from "express";
import type { WebSocket } from "ws";
import {
  type Backend,
  type Closed,
  type Connection,
  cookieMiddleware,
  memoryBackend,
  type Realtime,
  type RealtimeOptions,
  realtime,
  type SessionMiddlewareOptions,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
  type User,
  type UserSessions,
  userSessions,
  type WebSocketSessions,
  type WebSocketSessionsOptions,
  webSocketSessions,
} from "../../lib/index.ts";
import { Browser, messages, nextMessage } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { afterThisTest, answerError, closedAfterThisTest, secret, userRoutes } from "../users/support.ts";

export {
  afterThisTest,
  data,
  gate,
  places,
  type RedisPlace,
  redisPlace,
  sidOf,
} from "../users/support.ts";

export interface ServeOptions {
  /** @default memory */
  backend?: Backend;
  realtime?: RealtimeOptions;
  session?: SessionMiddlewareOptions;
  webSocket?: WebSocketSessionsOptions;
  routes?: (app: Express, chat: Realtime) => void;
  /** What the app listens to and handles, set up before `realtime` is attached. */
  setUp?: (chat: Realtime) => void;
}

export interface Served {
  server: Server;
  url: string;
  port: number;
  stack: SessionStack;
  users: UserSessions;
  wsSessions: WebSocketSessions;
  chat: Realtime;
  /** What `connect` was told of, oldest first. */
  connections: Connection[];
  /** What `disconnect` was told of, oldest first; by ids, since a connection that differs takes long to print. */
  closings: { id: string; closed: Closed }[];
  /** What `error` was told of. What a test leaves here fails it. */
  failures: { error: Error; connection: Connection | undefined }[];
  /** What the stack and the WebSockets have reported, and rejections of nobody. What a test leaves here fails it. */
  errors: Error[];
  /** A new visitor, without cookies. */
  browser(): Browser;
}

/** Serves an app with realtime until the end of the test; its visitors log in and out by HTTP, and connect to /ws. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const { backend = closedAfterThisTest(memoryBackend()) } = options;
  const errors: Error[] = [];
  const stack = sessionMiddlewareStack(
    cookieMiddleware(),
    // So long that only a test of its own options sees a store that does not answer.
    sessionMiddleware({ secret, backend, timeoutMs: 20_000, ...options.session }),
  ).on("error", (error) => errors.push(error));
  const users = userSessions(stack);
  const connections: Connection[] = [];
  const closings: Served["closings"] = [];
  const failures: Served["failures"] = [];
  const chat = realtime(options.realtime)
    .on("connect", (connection) => connections.push(connection))
    .on("disconnect", ({ id }, closed) => closings.push({ id, closed }))
    .on("error", (error, connection) => failures.push({ error, connection }))
    .on("echo", (_, data) => data);
  options.setUp?.(chat);
  const app = express();
  app.use(stack());
  userRoutes(app, users);
  options.routes?.(app, chat);
  app.use(answerError);

  const wsSessions = webSocketSessions(stack, { path: "/ws", app, ...options.webSocket })
    .on("error", (error) => errors.push(error))
    .attach(chat);
  const { server, url, port, close } = await listen(app);
  server.on("upgrade", wsSessions.handleUpgrade);
  const onRejection = (error: unknown) => errors.push(error as Error);
  process.on("unhandledRejection", onRejection);
  afterThisTest(async () => {
    await close();
    await wsSessions.close();
    process.off("unhandledRejection", onRejection);
    expect([...errors, ...failures.map(({ error }) => error)]).toEqual([]);
  });

  function browser(): Browser {
    const visitor = new Browser(url);
    afterThisTest(() => visitor.close());
    return visitor;
  }
  return {
    server,
    url,
    port,
    stack,
    users,
    wsSessions,
    chat,
    connections,
    closings,
    failures,
    errors,
    browser,
  };
}

/** A visitor who has logged in. */
export async function signIn(served: Served, user: User = "ada"): Promise<Browser> {
  const browser = served.browser();
  const { status } = await browser.post("/login", { json: { user } });
  expect(status).toBe(200);
  return browser;
}

/** Opens a connection and resolves once the app was told of it. */
export async function open(served: Served, browser: Browser): Promise<{ ws: WebSocket; line: Connection }> {
  const before = served.connections.length;
  const ws = await browser.webSocket("/ws");
  // Answered at once; what comes after it waits until the app was told.
  await ask(ws, "echo");
  expect(served.connections).toHaveLength(before + 1);
  return { ws, line: served.connections.at(-1) as Connection };
}

/** A connection of a user, or of a visitor without one, with the app's side of it. */
export async function connect(served: Served, user?: User): Promise<{ ws: WebSocket; line: Connection }> {
  return open(served, user === undefined ? served.browser() : await signIn(served, user));
}

/** Sends an event. */
export function send(ws: WebSocket, type: string, data?: object, id?: string | number): void {
  ws.send(JSON.stringify({ event_type: type, data, id }));
}

let questions = 0;

/** Sends an event with an id; gives the answer without it, which must be the next message. */
export async function ask(ws: WebSocket, type: string, data?: object): Promise<Record<string, unknown>> {
  const id = `question ${++questions}`;
  send(ws, type, data, id);
  const { id: answered, ...answer } = await next(ws);
  expect({ answered, answer }).toEqual({ answered: id, answer });
  return answer;
}

/** The next message. */
export async function next(ws: WebSocket): Promise<Record<string, unknown>> {
  return JSON.parse(await nextMessage(ws)) as Record<string, unknown>;
}

/** All messages before the next event of a type, which shows that nothing else has come until then. */
export async function until(ws: WebSocket, type: string): Promise<Record<string, unknown>[]> {
  const before: Record<string, unknown>[] = [];
  for (;;) {
    const message = await next(ws);
    if (message.event_type === type) return before;
    before.push(message);
  }
}

/** How many messages have arrived, taken or not. */
export function countOf(ws: WebSocket): number {
  return messages(ws).all.length;
}

/** Takes the failures so far. */
export function takeFailures({ failures }: Served): string[] {
  return failures.splice(0).map(({ error }) => error.message);
}

/** The error of an answer. */
export function refused(code: string): object {
  return { status: "error", error: { code, message: expect.any(String) } };
}
