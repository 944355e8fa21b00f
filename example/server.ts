import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import { cookieMiddleware, sessionMiddleware, sessionMiddlewareStack } from "express-session-stack";
import helmet from "helmet";
import { register } from "prom-client";
import { hashPassword } from "./passwords.ts";
import { makeChat } from "./realtime.ts";
import { apiRoutes } from "./routes.ts";
import { memoryStore, redisStore } from "./store.ts";

const { PORT = 3000, REDIS_URL, REDIS_PREFIX = "example:" } = process.env;
const store = REDIS_URL ? await redisStore(REDIS_URL, REDIS_PREFIX) : memoryStore();
await store.swap("password:ada", "", await hashPassword("analytical engine"));
await store.swap("password:grace", "", await hashPassword("first compiler"));
await store.swap("secret", "", randomUUID());
const session = sessionMiddleware({ secret: await store.get("secret"), backend: store.backend });
const stack = sessionMiddlewareStack(cookieMiddleware(), session);

const app = express();
const { chat, wsSessions } = makeChat(stack, app, store);
await wsSessions.metrics(register);
const [SELF, NONE] = [["'self'"], ["'none'"]];
const csp = { defaultSrc: SELF, formAction: SELF, baseUri: NONE, frameAncestors: NONE, objectSrc: NONE };
app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: csp } }));
// Before the sessions: files are the same for everybody. The page imports "/package/client.js".
app.use(express.static(`${import.meta.dirname}/public`));
app.use("/package", express.static(`${import.meta.dirname}/../dist`));
// For this machine alone, as the server listens on its loopback.
app.get("/metrics", async (_req, res) => res.type(register.contentType).send(await register.metrics()));
app.use("/api", apiRoutes(stack, chat, store));

const server = createServer(app).on("upgrade", wsSessions.handleUpgrade);
server.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`express-session-stack example: http://127.0.0.1:${Object(server.address()).port}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    // No new lines first. The store last: requests that end now still save, and close waits for all of them.
    server.close(() => store.close());
    await wsSessions.close({ drainMs: 500 });
    setTimeout(() => server.closeAllConnections(), 5000).unref();
  });
}
