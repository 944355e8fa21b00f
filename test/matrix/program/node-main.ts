import { createServer } from "node:http";
import express, { type NextFunction, type Request, type RequestHandler, type Response } from "express";
import { register } from "prom-client";
import { createClient } from "redis";
import {
  cookieMiddleware,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../../lib/index.ts";
import { redisBackend } from "../../../lib/redis.ts";
import { listen } from "../../support/http-server.ts";
import { contents, set } from "./contents.ts";
import { Gates } from "./gates.ts";

/** A node of an app as a process: options come as environment variables, its address goes to stdout. It ends with its parent. */
const { REDIS_URL = "", PREFIX = "", SECRET = "" } = process.env;
process.on("disconnect", () => process.exit());
const client = createClient({ url: REDIS_URL });
await client.connect();

/** What nobody has asked for: warnings of Node, and errors without a caller. */
const troubles: string[] = [];
const trouble = ({ name, message }: Error): void => void troubles.push(`${name}: ${message}`);
client.on("error", trouble);
process.on("warning", trouble);

const backend = redisBackend({ client, prefix: PREFIX });
const stack = sessionMiddlewareStack(
  cookieMiddleware(),
  sessionMiddleware({ secret: SECRET, backend, timeoutMs: 10_000 }),
).on("error", trouble);
const users = userSessions(stack, { ackTimeoutMs: 5_000 });
const chat = realtime().on("error", trouble);
const gates = new Gates();

const app = express();
app.use(stack());
app.use(express.json());

/** Of Express 4 too, which does not see that a handler has rejected. */
const answering =
  (handler: (req: Request) => unknown): RequestHandler =>
  (req, res, next) =>
    void Promise.resolve(handler(req)).then((answer) => res.json(answer ?? null), next);

const post = (path: string, handler: (req: Request, name: string, other: string) => unknown): void => {
  app.post(
    path,
    answering((req) => handler(req, String(req.params.name), String(req.params.other))),
  );
};
app.get("/session", answering(contents));
app.get(
  "/troubles",
  answering(() => troubles),
);
app.get(
  "/metrics",
  answering(async () => await register.metrics()),
);
post("/set", (req) => set(req, req.body));
post("/held/:name", async (req, gate) => {
  set(req, req.body);
  await gates.pass(gate);
});
post("/waiting/:name", (_req, gate) => gates.waiting(gate));
post("/release/:name", (_req, gate) => gates.open(gate));
post("/destroy", (req) => req.session.destroy());
post("/log-in/:name", (req, user) => users.logIn(req, user));
post("/log-out", (req) => users.logOut(req));
post("/sessions/:name", (req, user) => users.listUserSessions(user, req));
post("/delete/:name", (_req, user) => users.deleteUserSessions(user));
post("/join/:name/:other", (_req, user, group) => chat.join(user, group));
post("/leave/:name/:other", (_req, user, group) => chat.leave(user, group));
post("/group/:name", (req, group) => chat.group(group).send("message", req.body));
post("/user/:name", (req, user) => chat.user(user).send("message", req.body));
post("/presence/:name", (_req, group) => chat.presence(group));
post("/active/:name", async (_req, user) => (await chat.activeSessions(user)).length);
app.use((error: { status?: number; code?: string }, _req: Request, res: Response, _next: NextFunction) => {
  res.status(error.status ?? 500).json(error.code ?? String(error));
});

const wsSessions = webSocketSessions(stack, { path: "/ws", app, origins: ["http://matrix.test"] })
  .on("error", trouble)
  .attach(chat);
chat.on("set", ({ req }, data) => set(req, data));
chat.on("save", ({ req }) => req.session.save());
chat.on("session", ({ req }) => contents(req));
chat.on("put", ({ store }, { value }) => store.set("kept", value));
chat.on("get", ({ store }) => store.get("kept"));
await wsSessions.metrics(register);

const impatient = realtime({ inactivityThresholdSeconds: 3 }).on("error", trouble);
const impatientSessions = webSocketSessions(stack, { path: "/impatient", app })
  .on("error", trouble)
  .attach(impatient);

const plainSessions = webSocketSessions(stack, { path: "/plain", app }).on("error", trouble);
plainSessions.on("connection", async (ws, req) => {
  set(req, { visits: Number(contents(req).visits ?? 0) + 1 });
  await req.session.save();
  ws.send(JSON.stringify(contents(req)));
});

const server = createServer(app);
for (const { handleUpgrade } of [wsSessions, impatientSessions, plainSessions])
  server.on("upgrade", handleUpgrade);
const { url } = await listen(server);
await backend.node.join();
console.log(JSON.stringify({ url, id: backend.node.id }));
