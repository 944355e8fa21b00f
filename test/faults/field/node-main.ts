import "./clock.ts";
import { createServer } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import { createClient, createCluster, createSentinel } from "redis";
import type { RedisClient } from "../../../lib/redis.ts";
import { listen } from "../../support/http-server.ts";

/** A node of an app as a process, told by requests what to do: options come as environment variables, its address goes to stdout. */
/** Another version of the package may be given: its folder. */
const folder = process.env.PACKAGE ? `${process.env.PACKAGE}/dist` : undefined;
const {
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userConnectionStore,
  userSessions,
  webSocketSessions,
} = (await import(
  folder ? `${folder}/index.js` : "../../../lib/index.ts"
)) as typeof import("../../../lib/index.ts");
const { redisBackend } = (await import(
  folder ? `${folder}/redis.js` : "../../../lib/redis.ts"
)) as typeof import("../../../lib/redis.ts");

const {
  URLS = "",
  SENTINEL_PORT = "",
  PREFIX = "",
  LEASE_MS = "3000",
  RESP = "3",
  ENDS_ON_REPLICAS,
} = process.env;
const urls = URLS.split(",");
const defaults = { socket: { reconnectStrategy: 100 }, RESP: Number(RESP) as 3 };

function made() {
  if (SENTINEL_PORT)
    return createSentinel({
      name: "main",
      sentinelRootNodes: [{ host: "127.0.0.1", port: Number(SENTINEL_PORT) }],
      nodeClientOptions: defaults,
      RESP: defaults.RESP,
    });
  if (urls.length > 1)
    return createCluster({ rootNodes: urls.map((url) => ({ url })), defaults, RESP: defaults.RESP });
  return createClient({ url: urls[0] as string, ...defaults });
}

const client = made();
client.on("error", () => {});
await client.connect();

const backend = redisBackend({
  client: client as unknown as RedisClient,
  prefix: PREFIX,
  leaseMs: Number(LEASE_MS),
  ...(ENDS_ON_REPLICAS ? { endsOnReplicas: Number(ENDS_ON_REPLICAS) } : {}),
});
const stack = sessionMiddlewareStack(sessionMiddleware({ secret: "field", backend, timeoutMs: 2_000 })).on(
  "error",
  () => {},
);
const users = userSessions(stack, { ackTimeoutMs: 1_000 });
const chat = realtime({ graceMs: 0, authorizeGroup: () => true, connectionStore: userConnectionStore() })
  .on("error", () => {})
  .on("connect", (connection) => connection.store.set("since", `${Date.now()}`).catch(() => {}));
const app = express();
app.use(stack());
app.get("/me", (req, res) => void res.json({ user: req.session.login?.userId ?? null }));
app.post("/login/:user", async (req, res) => {
  await users.logIn(req, req.params.user);
  res.json("in");
});
app.post("/change/:n", (req, res) => {
  Object.assign(req.session, { n: Number(req.params.n) });
  res.json("changed");
});
app.post("/delete/:user", async (req, res) => {
  res.json(await users.deleteUserSessions(req.params.user));
});
app.post("/join/:user/:group", async (req, res) => {
  await chat.join(req.params.user, req.params.group);
  res.json("joined");
});
app.post("/leave/:user/:group", async (req, res) => {
  await chat.leave(req.params.user, req.params.group);
  res.json("left");
});
app.post("/user/:user/:n", async (req, res) => {
  await chat.user(req.params.user).send("message", { n: Number(req.params.n) });
  res.json("sent");
});
app.post("/group/:group/:n", async (req, res) => {
  await chat.group(req.params.group).send("message", { n: Number(req.params.n) });
  res.json("sent");
});
app.post("/block/:ms", (req, res) => {
  res.json("blocked");
  setTimeout(() => {
    const until = Date.now() + Number(req.params.ms);
    while (Date.now() < until) Math.random();
  }, 50);
});
app.use((error: { status?: number; code?: string }, _req: Request, res: Response, _next: NextFunction) => {
  res.status(error.status ?? 500).json(error.code ?? "error");
});

const wsSessions = webSocketSessions(stack, {
  path: "/ws",
  perMessageDeflate: true,
  app,
  maxHandshakesPerSecond: Number.POSITIVE_INFINITY,
  authorize: (req) => req.session.login !== undefined,
})
  .on("error", () => {})
  .attach(chat);
const server = createServer(app);
server.on("upgrade", wsSessions.handleUpgrade);
const { url } = await listen(server);
await backend.node.join();
console.log(JSON.stringify({ url, id: backend.node.id }));
