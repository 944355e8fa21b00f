import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import express, { type ErrorRequestHandler, type Request } from "express";
import { Registry } from "prom-client";
import {
  cookieMiddleware,
  memoryBackend,
  type Realtime,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { connectRedis } from "../support/redis-client.ts";

/** An app in a separate process that prints everything that it is told, at full depth. */
const { REDIS_OF_APP, SECRET = "", PREFIX = "" } = process.env;
const session = (req: Request) => req.session as unknown as Record<string, unknown>;

function tell(error: unknown): void {
  process.stdout.write(
    `${inspect(error, { depth: 10, showHidden: true })}\n${String((error as Error).stack)}\n`,
  );
}

const backend = REDIS_OF_APP
  ? redisBackend({ client: await connectRedis(REDIS_OF_APP), prefix: PREFIX })
  : memoryBackend({ maxSessionBytes: 4_096 });
const stack = sessionMiddlewareStack(
  cookieMiddleware(),
  sessionMiddleware({ secret: SECRET, backend, timeoutMs: 1_500, touchAfterMs: 0 }),
).on("error", tell);
const { logIn, logOut, deleteUserSessions } = userSessions(stack);
const app = express();
app.use(stack());
app.post("/set", express.json(), (req, res) => {
  Object.assign(session(req), req.body);
  res.end();
});
app.post("/login/:user", (req, res, next) => {
  logIn(req, req.params.user).then(() => res.end(), next);
});
app.post("/logout", (req, res, next) => void logOut(req).then(() => res.end(), next));
app.post(
  "/end/:user",
  (req, res, next) => void deleteUserSessions(req.params.user).then(() => res.end(), next),
);
app.post("/save-ended", (req, res, next) => {
  session(req).late = session(req).text;
  const saving = async () => {
    await deleteUserSessions("ada");
    await req.session.save();
  };
  saving().then(() => res.end(), next);
});
app.post("/circle", (req, _res, next) => {
  session(req).circle = session(req);
  req.session.save().catch(next);
});
app.post("/big", (req, _res, next) => {
  session(req).big = { n: 1n, text: session(req).text };
  req.session.save().catch(next);
});
app.post("/age", (req, _res, next) => {
  Object.assign(req.session.cookie, { expires: session(req).text });
  req.session.save().catch(next);
});
app.post("/late", (req, res) => {
  res.write("head");
  session(req).text = String(req.headers["x-text"]);
  res.end();
});
app.get("/metrics", async (_req, res) => void res.send(await register.metrics()));
app.use(((error, _req, res, _next) => {
  tell(error);
  res
    .status(error.status ?? 500)
    .set(error.headers ?? {})
    .json({ code: error.code, message: error.message });
}) as ErrorRequestHandler);

const chat: Realtime = realtime({
  maxGroupsPerUser: 2,
  maxMessagesPerSecond: 50,
  authorizeGroup: (_userId, group) => !group.startsWith("closed"),
})
  .on("error", tell)
  .on("join", (connection, { group }) => connection.join(group))
  .on("fail", () => Promise.reject(new Error("a failure of the app")))
  .on("save", async ({ req }, { text }) => {
    session(req).text = text;
    await req.session.save();
  })
  .on("send", (_, { text }): Promise<void> => chat.user("ada").send("news", { text }))
  .on("store", ({ store }, { text }) => store.set("text", { text }))
  .on("circle", (connection) => {
    const circle: Record<string, unknown> = { session: { ...connection.req.session } };
    circle.circle = circle;
    connection.send("news", circle);
  });
const wsSessions = webSocketSessions(stack, {
  path: "/ws",
  app,
  maxConnectionsPerSession: 1,
  maxHandshakesPerSecond: 1,
  authorize: (req) => {
    if (req.query.fail !== undefined) throw new Error("a failure of authorize");
    return req.query.forbid === undefined;
  },
  handleProtocols: (protocols) => (protocols.has("fail") ? (7 as never) : ([...protocols][0] ?? false)),
})
  .on("error", tell)
  .attach(chat);
const register = new Registry();
await wsSessions.metrics(register as never);
process.on("unhandledRejection", (error) => tell(Object.assign(new Error("unhandled"), { cause: error })));
const server = createServer(app).on("upgrade", wsSessions.handleUpgrade);
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}`, id: "one" })}\n`);
});
