import { STATUS_CODES } from "node:http";
import { fileURLToPath } from "node:url";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type { SessionStack } from "express-session-stack";
import { routes } from "./routes.ts";
import type { Tabs } from "./tabs.ts";

/** The Express app: the page, and what it asks for under /api. */
export function makeApp(sessionStack: SessionStack, tabs: Tabs): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(securityHeaders);
  // Before the sessions: files are the same for everybody.
  app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));
  app.use("/api", noStore, sessionStack(), routes(tabs));
  app.use(answerError);
  return app;
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
