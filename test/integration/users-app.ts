import { createServer, type IncomingMessage } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import type { WebSocket } from "ws";
import type { Backend, SessionStackError, UserSessions } from "../../lib/index.ts";
import {
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { type ListeningServer, listen } from "../support/http-server.ts";

declare module "express-session" {
  interface SessionData {
    /** A user field that the app itself sets, without `logIn`. */
    user?: string;
    set?: Record<string, string>;
    regenerated?: boolean;
  }
}

export interface UsersAppOptions {
  backend: Backend;
  maxAgeMs?: number;
  revalidateMs?: number;
  ackTimeoutMs?: number;
  /** Runs the work of a request or message with this label. */
  around?: (label: string | undefined, run: () => void) => void;
}

/** The user of a session: the one that the app set, or the one of `logIn`. */
export function userOf(session: {
  user?: string | undefined;
  login?: { userId: string } | undefined;
}): string | undefined {
  return session.user ?? session.login?.userId;
}

/** A node of an app with users. Requests and messages control it. */
export async function startUsersApp({
  backend,
  maxAgeMs = 600_000,
  revalidateMs = 30_000,
  ackTimeoutMs = 1000,
  around = (_label, run) => run(),
}: UsersAppOptions): Promise<ListeningServer & { users: UserSessions }> {
  const sessionStack = sessionMiddlewareStack(
    sessionMiddleware({
      secret: "users",
      backend,
      cookie: { maxAge: maxAgeMs },
      touchAfterMs: 0,
      timeoutMs: 5000,
      userId: userOf,
    }),
  );
  const users = userSessions(sessionStack, { ackTimeoutMs });
  const app = express();
  app.use((req, _res, next) => around(req.get("x-label"), next));
  app.use(sessionStack());

  app.get("/whoami", (req, res) => {
    res.json({ sid: req.sessionID, userId: userOf(req.session) });
  });
  app.post("/log-in", async (req, res) => {
    await users.logIn(req, query(req, "user"));
    res.json(req.sessionID);
  });
  // Without the library's functions, as passport does it, and as other code does it.
  app.post("/log-in-anew", async (req, res) => {
    await req.session.regenerate();
    req.session.user = query(req, "user");
    await req.session.save();
    res.json(req.sessionID);
  });
  app.post("/log-in-in-place", (req, res) => {
    req.session.user = query(req, "user");
    res.json(req.sessionID);
  });
  app.post("/log-out-in-place", (req, res) => {
    delete req.session.user;
    delete req.session.login;
    res.json(req.sessionID);
  });
  app.post("/log-out", async (req, res) => {
    await users.logOut(req);
    res.json("logged out");
  });
  app.post("/regenerate", async (req, res) => {
    await req.session.regenerate();
    req.session.regenerated = true;
    res.json(req.sessionID);
  });
  app.post("/set", async (req, res) => {
    const { key, value, explicit } = req.query as Record<string, string>;
    req.session.set = { ...req.session.set, [key as string]: value as string };
    if (explicit) await req.session.save();
    res.json(req.sessionID);
  });
  app.post("/touch", (req, res) => {
    res.json(req.sessionID);
  });
  app.get("/sessions", async (req, res) => {
    res.json(await users.listUserSessions(query(req, "user"), req));
  });
  app.post("/delete", async (req, res) => {
    const except = req.query.except as string | undefined;
    res.json(await users.deleteUserSessions(query(req, "user"), { except }));
  });
  app.post("/delete-one", async (req, res) => {
    res.json(await users.deleteUserSession(query(req, "user"), query(req, "sid")));
  });

  const lines = new Set<[WebSocket, Request, string | undefined]>();
  app.post("/broadcast", (req, res) => {
    const ofUser = [...lines].filter(([, , userId]) => userId === query(req, "user"));
    for (const [ws] of ofUser) ws.send(query(req, "text"));
    res.json(ofUser.length);
  });
  app.use((error: SessionStackError, _req: Request, res: Response, _next: NextFunction) => {
    res.status(error.status ?? 500).json({ error: error.code ?? error.message });
  });

  const wsSessions = webSocketSessions(sessionStack, {
    path: "/ws",
    revalidateMs,
    maxHandshakesPerSecond: Infinity,
  });
  wsSessions.on("connection", (ws, req) => {
    const line: [WebSocket, Request, string | undefined] = [ws, req, userOf(req.session)];
    lines.add(line);
    ws.on("close", () => lines.delete(line));
    ws.on("message", (data) => {
      const { type, label } = JSON.parse(data.toString()) as { type: string; label?: string };
      around(label, async () => {
        if (type === "save") req.session.set = { ...req.session.set, [label ?? "ws"]: "saved" };
        const saving = type === "save" ? req.session.save() : Promise.resolve();
        const outcome = await saving.then(
          () => type,
          (error: SessionStackError) => error.code,
        );
        ws.send(JSON.stringify({ label, outcome, sid: req.session.id, userId: userOf(req.session) }));
      });
    });
  });

  const listening = await listen(createServer(app));
  listening.server.on("upgrade", (message: IncomingMessage, socket, head) => {
    const label = message.headers["x-label"] as string | undefined;
    around(label, () => wsSessions.handleUpgrade(message, socket, head));
  });
  return { ...listening, users };
}

function query(req: Request, name: string): string {
  return req.query[name] as string;
}
