import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type NextFunction, type Request, type Response } from "express";
import { createClient } from "redis";
import {
  cookieMiddleware,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { handleNames } from "./name-events.ts";
import { tellFigures } from "./node-figures.ts";
import { NODE_LIMITS_MS } from "./node-limits.ts";

/** The node that hostile clients attack, as a process. Its options are environment variables. It prints its address. */
const { REDIS_URL = "", PREFIX = "", WEB_SOCKET = "{}", REALTIME = "{}" } = process.env;
const client = createClient({ url: REDIS_URL });
client.on("error", () => {});
await client.connect();
const backend = redisBackend({ client, prefix: PREFIX });

const errors: string[] = [];
const failures: string[] = [];
const note = (list: string[]) => (error: Error) => void list.push(String(error.stack ?? error));
// Errors that would end the process are recorded instead, so a test sees all of them.
const unhandled: string[] = [];
process.on("unhandledRejection", (error) => note(unhandled)(error as Error));
process.on("uncaughtException", note(unhandled));

const stack = sessionMiddlewareStack(
  cookieMiddleware(),
  sessionMiddleware({ secret: "hostile", backend, timeoutMs: 10_000 }),
).on("error", note(errors));
const users = userSessions(stack);
const chat = realtime({ graceMs: 0, maxConnectionsPerUser: 20_000, ...JSON.parse(REALTIME) })
  .on("error", note(failures))
  .on("echo", (_, data) => data);
handleNames(chat);

const app = express();
app.use(stack());
app.get("/me", (req, res) => void res.json({ user: req.session.login?.userId ?? null }));
app.post("/log-in", express.json(), async (req, res) => {
  await users.logIn(req, req.body.user);
  res.json("in");
});
app.post(
  "/body",
  express.text({ limit: "1mb" }),
  (req, res) => void res.json({ length: req.body?.length ?? 0 }),
);
const wsSessions = webSocketSessions(stack, {
  path: "/ws",
  app,
  origins: ["https://app.example.com"],
  maxHandshakesPerSecond: Number.POSITIVE_INFINITY,
  maxConnectionsPerSession: 20_000,
  ...JSON.parse(WEB_SOCKET),
})
  .on("error", note(errors))
  .attach(chat);
tellFigures(app, { wsSessions, chat, told: { errors, failures, unhandled } });
app.use((error: { status?: number }, _req: Request, res: Response, _next: NextFunction) => {
  res.status(error.status ?? 500).json(String(error));
});

const server = createServer(NODE_LIMITS_MS, app);
server.on("upgrade", wsSessions.handleUpgrade);
await backend.node.join();
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, id: backend.node.id }));
});
