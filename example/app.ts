import { STATUS_CODES } from "node:http";
import { fileURLToPath } from "node:url";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from "express";
import type { SessionStack, UserSessions } from "express-session-stack";
import { countRoutes } from "./count.ts";
import { deviceRoutes } from "./devices.ts";
import { passwordRoutes } from "./password.ts";
import { sameOrigin } from "./same-origin.ts";
import { requireUser, signInRoutes } from "./sign-in.ts";
import type { Tabs } from "./tabs.ts";
import type { Users } from "./users.ts";

/** What the app is made of. */
export interface AppParts {
  sessionStack: SessionStack;
  userSessions: UserSessions;
  users: Users;
  tabs: Tabs;
}

/** The Express app: the page, and what it asks for under /api. */
export function makeApp(parts: AppParts): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(securityHeaders);
  // Before the sessions: files are the same for everybody.
  app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));
  app.use("/api", apiRoutes(parts));
  app.use(answerError);
  return app;
}

function apiRoutes({ sessionStack, userSessions, users, tabs }: AppParts): Router {
  const api = Router();
  api.use(noStore, sameOrigin, sessionStack(), express.json({ limit: "4kb" }));
  api.use(signInRoutes(users, userSessions));
  api.use(requireUser(users));
  api.use(countRoutes(users, tabs), deviceRoutes(userSessions), passwordRoutes(users, userSessions));
  return api;
}

const securityHeaders: RequestHandler = (_req, res, next) => {
  res.set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'");
  res.set("X-Content-Type-Options", "nosniff");
  next();
};

const noStore: RequestHandler = (_req, res, next) => {
  res.set("Cache-Control", "no-store");
  next();
};

/** Answers as JSON, and keeps to itself what broke inside. */
const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) {
    next(error);
    return;
  }
  const status = Number.isInteger(error?.status) ? error.status : 500;
  if (status >= 500) console.error(error);
  res.status(status).set(error?.headers ?? {});
  res.json({ error: status < 500 ? error.message : STATUS_CODES[status] });
};
