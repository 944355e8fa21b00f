import { createServer } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import type { Store } from "express-session";
import type {
  Backend,
  Connection,
  Realtime,
  RealtimeOptions,
  UserSessions,
  WebSocketSessions,
} from "../../lib/index.ts";
import {
  realtime,
  type SessionStackError,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { type ListeningServer, listen } from "../support/http-server.ts";
import { controlOf, type RealtimeControl, type Told } from "./realtime-control.ts";

export interface RealtimeAppOptions extends RealtimeOptions {
  backend: Backend;
  /** Stores the sessions instead of the backend. */
  store?: Store;
  timeoutMs?: number;
  /** Milliseconds that other nodes have to answer this one, at most `timeoutMs`. @default the library's default */
  ackTimeoutMs?: number;
}

/** A node of an app whose users have devices and are in groups. */
export interface RealtimeApp extends ListeningServer {
  backend: Backend;
  chat: Realtime;
  users: UserSessions;
  wsSessions: WebSocketSessions;
  control: RealtimeControl;
  /** The events of users and connections, in order. */
  told: readonly Told[];
  /** Its open connections, after their `connect` events. */
  connections: ReadonlyMap<string, Connection>;
}

export async function startRealtimeApp({
  backend,
  store,
  timeoutMs = 2000,
  ackTimeoutMs,
  ...options
}: RealtimeAppOptions): Promise<RealtimeApp> {
  const { node } = backend;
  const ask = node.ask.bind(node);
  node.ask = (type, payload, ms, among) => ask(type, payload, ackTimeoutMs ?? ms, among);
  const sessionStack = sessionMiddlewareStack(
    sessionMiddleware({ secret: "realtime", backend, timeoutMs, ...(store ? { store } : {}) }),
  );
  const users = userSessions(sessionStack);
  const app = express();
  app.use(sessionStack());
  app.post("/log-in", async (req, res) => {
    await users.logIn(req, req.query.user as string);
    res.json(req.sessionID);
  });

  const chat = realtime(options);
  const told: Told[] = [];
  const connections = new Map<string, Connection>();
  chat.on("connect", ({ id, userId }) => void told.push({ event: "connect", userId, id }));
  chat.on("disconnect", ({ id, userId }, { code }) => {
    connections.delete(id);
    told.push({ event: "disconnect", userId, id, code });
  });
  chat.on("online", (userId) => void told.push({ event: "online", userId }));
  chat.on("offline", (userId) => void told.push({ event: "offline", userId }));
  chat.on("error", ({ message }) => void told.push({ event: "error", message }));
  chat.on("connect", async (connection) => {
    connections.set(connection.id, connection);
    if (connection.userId !== undefined) await connection.store.set("user", connection.userId);
    connection.send("welcome", { id: connection.id, groups: [...connection.groups].sort() });
  });
  chat.on("say", async (connection, { group, ...data }) => {
    await chat.group(group).send("message", data);
    return { from: connection.id };
  });

  const wsSessions = webSocketSessions(sessionStack, {
    path: "/ws",
    maxConnectionsPerSession: 1000,
    maxHandshakesPerSecond: Infinity,
  });
  wsSessions.on("error", ({ message }) => void told.push({ event: "error", message }));
  wsSessions.attach(chat);

  const control = controlOf({ chat, users, wsSessions, told, connections });
  app.post("/control", express.json(), async (req, res) => {
    const { call, args } = req.body as { call: keyof RealtimeControl; args: never[] };
    res.json({ result: await (control[call] as (...given: never[]) => Promise<unknown>)(...args) });
  });
  app.use((error: SessionStackError, _req: Request, res: Response, _next: NextFunction) => {
    res.status(error.status ?? 500).json({ error: error.code ?? error.message });
  });

  const server = createServer(app);
  server.on("upgrade", wsSessions.handleUpgrade);
  const listening = await listen(server);
  // The other nodes know this node before the test uses it.
  await node.join();
  return { ...listening, backend, chat, users, wsSessions, control, told, connections };
}
