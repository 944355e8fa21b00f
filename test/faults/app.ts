import { createServer } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import {
  type Backend,
  cookieMiddleware,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { type ListeningServer, listen } from "../support/http-server.ts";
import type { Faults, Operation } from "./faults.ts";

export interface FaultyAppOptions {
  readonly backend: Backend;
  readonly faults: Faults;
  readonly timeoutMs: number;
  /** Finds the operation that a request belongs to. */
  readonly operationOf: (id: string | undefined) => Operation | undefined;
  /** The number of online events minus offline events of each user, on all nodes. */
  readonly online: Map<string, number>;
}

/** A node of an app whose backend may fail at any call. Requests control it. */
export async function startFaultyApp({
  backend,
  faults,
  timeoutMs,
  operationOf,
  online,
}: FaultyAppOptions): Promise<ListeningServer> {
  const stack = sessionMiddlewareStack(
    cookieMiddleware(),
    sessionMiddleware({ secret: "faults", backend: faults.around(backend), timeoutMs, touchAfterMs: 0 }),
  ).on("error", () => {});
  const users = userSessions(stack, { ackTimeoutMs: timeoutMs });
  const chat = realtime({ graceMs: 0, authorizeGroup: () => true })
    .on("error", () => {})
    .on("whoami", ({ sid, userId, groups }) => ({ sid, userId: userId ?? null, groups: [...groups] }))
    .on("online", (userId) => void online.set(userId, (online.get(userId) ?? 0) + 1))
    .on("offline", (userId) => void online.set(userId, (online.get(userId) ?? 0) - 1));
  const app = express();
  app.use((req, _res, next) => {
    const operation = operationOf(req.get("x-operation"));
    if (operation) faults.run(operation, next);
    else next();
  });
  app.use(stack());
  app.all("/me", (req, res) => {
    res.json({ sid: req.sessionID, userId: req.session?.login?.userId ?? null });
  });
  app.post("/log-in/:user", async (req, res) => {
    await users.logIn(req, req.params.user);
    res.json(req.sessionID);
  });
  // Like code that continues after a failure, and answers 200.
  app.post("/log-in-or-else/:user", async (req, res) => {
    await users.logIn(req, req.params.user).catch(() => {});
    Object.assign(req.session ?? {}, { tried: true });
    res.json(req.sessionID);
  });
  app.post("/log-in-insisting/:user", async (req, res) => {
    await users.logIn(req, req.params.user).catch(() => {});
    await req.session.save();
    res.json(req.sessionID);
  });
  app.post("/log-out", async (req, res) => {
    await users.logOut(req);
    res.json(null);
  });
  app.post("/destroy", async (req, res) => {
    await req.session.destroy();
    res.json(null);
  });
  app.post("/regenerate", async (req, res) => {
    await req.session.regenerate();
    Object.assign(req.session, { regenerated: true });
    res.json(null);
  });
  app.post("/set/:key", async (req, res) => {
    Object.assign(req.session, { [req.params.key]: true });
    if (req.query.explicit) await req.session.save();
    res.json(req.sessionID);
  });
  app.post("/delete/:user", async (req, res) => {
    res.json(await users.deleteUserSessions(req.params.user));
  });
  app.post("/list/:user", async (req, res) => {
    res.json((await users.listUserSessions(req.params.user)).length);
  });
  app.post("/join/:user", async (req, res) => {
    await chat.join(req.params.user, "group");
    res.json(await chat.members("group"));
  });
  app.post("/leave/:user", async (req, res) => {
    await chat.leave(req.params.user, "group");
    res.json(null);
  });
  app.use((error: { status?: number }, _req: Request, res: Response, _next: NextFunction) => {
    res.status(error.status ?? 500).json(null);
  });

  const wsSessions = webSocketSessions(stack, { path: "/ws", app, revalidateMs: 200 })
    .on("error", () => {})
    .attach(chat);
  const server = createServer(app);
  server.on("upgrade", (req, socket, head) => {
    const operation = operationOf(req.headers["x-operation"] as string | undefined);
    const upgrade = () => wsSessions.handleUpgrade(req, socket, head);
    if (operation) faults.run(operation, upgrade);
    else upgrade();
  });
  const listening = await listen(server);
  return {
    ...listening,
    close: async () => {
      await listening.close();
      await wsSessions.close();
    },
  };
}
