import { createHmac } from "node:crypto";
import type { Server } from "node:http";
import express, { type Express, type Request, type RequestHandler } from "express";
import type { SessionData, Store } from "express-session";
import express4 from "express4";
import type { WebSocket } from "ws";
import {
  cookieMiddleware,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
  type WebSocketSessions,
  type WebSocketSessionsOptions,
  webSocketSessions,
} from "../../lib/index.ts";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import { Browser, nextMessage } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { timeoutMs } from "../support/patience.ts";
import { memoryPlace, type Place } from "./places.ts";

export const secret = "a secret of these tests, at least 32 bytes long";

/** The supported Express versions. */
export const versions: { version: string; createApp: () => Express }[] = [
  { version: "Express 4", createApp: express4 as () => Express },
  { version: "Express 5", createApp: express as () => Express },
];

export interface ServeOptions {
  /** @default memory */
  place?: Place;
  /** @default Express 5 */
  createApp?: () => Express;
  session?: SessionMiddlewareOptions;
  /** @default `{ path: "/ws" }` */
  webSocket?: WebSocketSessionsOptions | ((app: Express) => WebSocketSessionsOptions);
  /** @default {@link answerCommands} */
  onConnection?: (ws: WebSocket, req: Request) => unknown;
  routes?: (app: Express) => void;
  /** Middlewares of the stack before and after the session middleware. */
  beforeSession?: RequestHandler[];
  behindSession?: RequestHandler[];
}

export interface Served {
  app: Express;
  server: Server;
  url: string;
  port: number;
  stack: SessionStack;
  wsSessions: WebSocketSessions;
  /** The `error` events of the stack and of the WebSockets. */
  errors: Error[];
  /** The connections that have opened, oldest first. */
  opened: { ws: WebSocket; req: Request }[];
  /** A new visitor, without cookies. */
  browser(): Browser;
}

/** Serves an app until the end of the test. Its routes and connections show and change their session. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const { place = memoryPlace(), createApp = express, webSocket = { path: "/ws" } } = options;
  const errors: Error[] = [];
  const opened: Served["opened"] = [];
  const stack = sessionMiddlewareStack(
    cookieMiddleware(),
    ...(options.beforeSession ?? []),
    sessionMiddleware({ secret, timeoutMs, ...place.options, ...options.session }),
    ...(options.behindSession ?? []),
  ).on("error", (error) => errors.push(error));
  const app = createApp();
  app.use(stack());
  sessionRoutes(app);
  options.routes?.(app);

  const wsSessions = webSocketSessions(stack, typeof webSocket === "function" ? webSocket(app) : webSocket)
    .on("error", (error) => errors.push(error))
    .on("connection", (ws, req) => {
      opened.push({ ws, req });
      return (options.onConnection ?? answerCommands)(ws, req);
    });
  const { server, url, port, close } = await listen(app);
  server.on("upgrade", wsSessions.handleUpgrade);
  afterThisTest(close);

  function browser(): Browser {
    const visitor = new Browser(url);
    afterThisTest(() => visitor.close());
    return visitor;
  }
  return { app, server, url, port, stack, wsSessions, errors, opened, browser };
}

/** A visitor with a stored session. */
export async function signIn(served: Served, contents: object = { name: "Ada" }): Promise<Browser> {
  const browser = served.browser();
  const { status } = await browser.post("/session", { json: contents });
  expect(status).toBe(200);
  return browser;
}

function sessionRoutes(app: Express): void {
  app.get("/session", (req, res) => void res.json(data(req)));
  app.post("/session", express.json(), (req, res) => void res.json(Object.assign(data(req), req.body)));
  app.post("/destroy", (req, res, next) => {
    req.session.destroy().then(() => res.sendStatus(204), next);
  });
  app.post("/destroy/:sid", (req, res, next) => {
    req.sessionStore.destroy(String(req.params.sid), (error) => (error ? next(error) : res.sendStatus(204)));
  });
  app.post("/regenerate", (req, res, next) => {
    const contents = { ...data(req), cookie: undefined };
    req.session.regenerate().then(() => {
      Object.assign(data(req), contents, { cookie: req.session.cookie });
      res.sendStatus(204);
    }, next);
  });
}

/** The commands of a client for the session of its connection: see {@link ask}. */
export type Command = "get" | "set" | "save" | "reload" | "regenerate" | "destroy";

/** Carries out commands on the connection's session, and answers each. */
export function answerCommands(ws: WebSocket, req: Request): void {
  ws.on("message", async (message) => {
    const [command, contents] = JSON.parse(message.toString()) as [Command, object];
    try {
      if (command === "set") Object.assign(data(req), contents);
      else if (command !== "get") await req.session[command]();
      ws.send(JSON.stringify({ data: req.session }));
    } catch (error) {
      ws.send(JSON.stringify({ error: (error as { code?: string }).code ?? String(error) }));
    }
  });
}

/** Sends a command to a connection. Returns the session's contents after it, or the code of its error. */
export async function ask(ws: WebSocket, command: Command, contents?: object): Promise<unknown> {
  ws.send(JSON.stringify([command, contents]));
  const answer = JSON.parse(await nextMessage(ws)) as { data?: object; error?: string };
  return answer.data ? { ...answer.data, cookie: undefined } : { error: answer.error };
}

/** The session's contents, as an HTTP request finds them. */
export async function overHttp(browser: Browser): Promise<unknown> {
  return { ...((await browser.get("/session")).json() as object), cookie: undefined };
}

/** A session's contents under any name. An augmentation of its type would affect other tests. */
export function data(req: Request): Record<string, unknown> {
  return req.session as unknown as Record<string, unknown>;
}

/** The stored data, as express-session would read it. */
export function stored(store: Store, sid: string): Promise<SessionData | undefined> {
  return new Promise((resolve, reject) => {
    store.get(sid, (error, found) => (error ? reject(error) : resolve(found ?? undefined)));
  });
}

/** A signed value as express-session puts it into a cookie. */
export function signed(text: string, by: string = secret): string {
  const signature = createHmac("sha256", by).update(text).digest("base64").replace(/=+$/, "");
  return encodeURIComponent(`s:${text}.${signature}`);
}

/** The session id in a browser's cookie. */
export function sidOf(browser: Browser, name = "connect.sid"): string {
  const value = decodeURIComponent(browser.cookies.get(name) ?? "");
  return value.slice("s:".length, value.lastIndexOf("."));
}

const cleanups: (() => unknown)[] = [];

/** Runs a step after the current test. The step that was added last runs first. */
export function afterThisTest(step: () => unknown): void {
  cleanups.push(step);
}

afterEach(async () => {
  for (const step of cleanups.splice(0).reverse()) await step();
});
