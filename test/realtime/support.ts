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
  /** Adds the app's listeners and handlers before `realtime` is attached. */
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
  /** The connections of `connect` events, oldest first. */
  connections: Connection[];
  /** The ids of `disconnect` events, oldest first. Whole connections would take long to print when a test fails. */
  closings: { id: string; closed: Closed }[];
  /** The `error` events. A test fails if it leaves any here. */
  failures: { error: Error; connection: Connection | undefined }[];
  /** Errors of the stack and of the WebSockets, and unhandled rejections. A test fails if it leaves any here. */
  errors: Error[];
  /** A new visitor, without cookies. */
  browser(): Browser;
}

/** Serves an app with realtime until the end of the test. Visitors log in and out by HTTP, and connect to /ws. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const { backend = closedAfterThisTest(memoryBackend()) } = options;
  const errors: Error[] = [];
  const stack = sessionMiddlewareStack(
    cookieMiddleware(),
    // Long enough that only a test with its own options meets a store that does not answer.
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

/** Opens a connection, and resolves after its `connect` event. */
export async function open(served: Served, browser: Browser): Promise<{ ws: WebSocket; line: Connection }> {
  const before = served.connections.length;
  const ws = await browser.webSocket("/ws");
  // The heartbeat is answered at once. Later events wait for the `connect` event.
  await ask(ws, "echo");
  expect(served.connections).toHaveLength(before + 1);
  return { ws, line: served.connections.at(-1) as Connection };
}

/** Connects a user, or a visitor without a user. Returns both sides of the connection. */
export async function connect(served: Served, user?: User): Promise<{ ws: WebSocket; line: Connection }> {
  return open(served, user === undefined ? served.browser() : await signIn(served, user));
}

/** Sends an event. */
export function send(ws: WebSocket, type: string, data?: object, id?: string | number): void {
  ws.send(JSON.stringify({ event_type: type, data, id }));
}

let questions = 0;

/** Sends an event with an id. Returns the answer, which must be the next message, without the id. */
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

/** All messages before the next event of a type. */
export async function until(ws: WebSocket, type: string): Promise<Record<string, unknown>[]> {
  const before: Record<string, unknown>[] = [];
  for (;;) {
    const message = await next(ws);
    if (message.event_type === type) return before;
    before.push(message);
  }
}

/** The number of all messages that have arrived. */
export function countOf(ws: WebSocket): number {
  return messages(ws).all.length;
}

/** Removes and returns the failures so far. */
export function takeFailures({ failures }: Served): string[] {
  return failures.splice(0).map(({ error }) => error.message);
}

/** The error of an answer. */
export function refused(code: string): object {
  return { status: "error", error: { code, message: expect.any(String) } };
}
