/**
 * One measured server, as a process of its own: `http-server.ts <name> <redis url>`.
 * Reports its port, then its own figures whenever asked, and ends with its parent.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import { createClient } from "redis";
import type { ServerFigures, ServerName } from "./http-servers.ts";
import { largeSession, type SessionContent, smallSession } from "./session-content.ts";

const secret = "bench";
const cookie = { maxAge: 24 * 60 * 60 * 1000 };

// Imported on demand, so that no process carries the code of the others.
const middlewares: Record<ServerName, (redisUrl: string) => Promise<RequestHandler>> = {
  express: async () => {
    const session = smallSession("user-0") as never; // same body, no session
    return (req, _res, next) => {
      req.session = session;
      next();
    };
  },
  "express-session": async (redisUrl) => {
    const { default: session } = await import("express-session");
    const { RedisStore } = await import("connect-redis");
    const store = new RedisStore({ client: await connected(redisUrl) });
    return session({ secret, store, cookie, resave: false, saveUninitialized: false });
  },
  "express-session-stack": async (redisUrl) => {
    const { cookieMiddleware, sessionMiddleware, sessionMiddlewareStack } = await import(
      "express-session-stack"
    );
    const { redisBackend } = await import("express-session-stack/redis");
    const backend = redisBackend({ client: await connected(redisUrl) });
    return sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret, backend, cookie }))();
  },
};

async function connected(url: string) {
  const client = createClient({ url });
  client.on("error", (error) => {
    throw error;
  });
  return client.connect();
}

const [name, redisUrl] = process.argv.slice(2) as [ServerName, string];
const app = express();
app.use(await middlewares[name](redisUrl));

app.post("/login/:size", (req, res) => {
  const userId = `user-${String(req.query.user)}`;
  Object.assign(req.session, req.params.size === "large" ? largeSession(userId) : smallSession(userId));
  res.json({ userId });
});
// A request whose session was not found must not pass for a fast one.
app.use((req, res, next) => {
  if (content(req.session).userId) next();
  else res.sendStatus(401);
});
app.get("/read", (req, res) => {
  const { userId, name } = content(req.session);
  res.json({ userId, name });
});
app.get("/modify", (req, res) => {
  const session = content(req.session);
  session.counter++;
  res.json({ userId: session.userId, name: session.name });
});

function content(session: object): SessionContent {
  return session as SessionContent;
}

let requests = 0;
const server = app.listen(0, "127.0.0.1");
server.on("request", () => requests++);
await once(server, "listening");

process.on("disconnect", () => process.exit());
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ requests, cpuMs: (user + system) / 1000 } satisfies ServerFigures);
});
process.send?.((server.address() as AddressInfo).port);
