/** The app that is deployed. `server.js` is this, behind it what docs/production.md sets and says about stopping, and `listen`. */
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import express from "express";
import {
  cookieMiddleware,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "express-session-stack";
import { redisBackend } from "express-session-stack/redis";
import { createClient } from "redis";
import { WebSocketServer } from "ws";

const { REDIS_URL = "", PING_INTERVAL_MS = "30000" } = process.env;
const report = (error: Error) => console.error(error);

export const client = createClient({ url: REDIS_URL });
client.on("error", report);
await client.connect();

export const backend = redisBackend({ client });
const secret = "of a trial that ends with its Redis, 32 bytes";
const stack = sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret, backend })).on(
  "error",
  report,
);
const { logIn, listUserSessions } = userSessions(stack);

export const app = express();
app.use(stack());
app.post("/login/:user", async (req, res) => {
  await logIn(req, req.params.user);
  res.json({});
});
app.get("/me", (req, res) => {
  const { login, n } = req.session as typeof req.session & { n?: number };
  res.json({ user: login?.userId, n, pid: process.pid });
});
app.get("/logins", async (req, res) => {
  res.json(await listUserSessions(String(req.session.login?.userId), req));
});
/** Takes its time, as requests of an app do. */
app.post("/keep/:n", async (req, res) => {
  await delay(30);
  Object.assign(req.session, { n: Number(req.params.n) });
  res.json({});
});

const chat = realtime({ pingIntervalMs: Number(PING_INTERVAL_MS) })
  .on("error", report)
  .on("who", (connection) => ({ user: connection.userId, pid: process.pid }));
export const wsSessions = webSocketSessions(stack, {
  path: "/ws",
  app,
  authorize: (req) => req.session.login !== undefined,
})
  .on("error", report)
  .attach(chat);

export const server = createServer(app);
server.on("upgrade", wsSessions.handleUpgrade);

/** Another WebSocket server of the app, which sends nothing by itself. */
const others = new WebSocketServer({ noServer: true });
server.on("upgrade", (req, socket, head) => {
  if (req.url !== "/other") return;
  others.handleUpgrade(req, socket, head, (ws) => ws.on("message", (text) => ws.send(`heard ${text}`)));
});
