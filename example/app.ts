import { STATUS_CODES } from "node:http";
import { fileURLToPath } from "node:url";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from "express";
import type { SessionStack, UserSessions } from "express-session-stack";
import helmet from "helmet";
import type { Chat } from "./realtime/chat.ts";
import { countRoutes } from "./routes/count.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { passwordRoutes } from "./routes/password.ts";
import { sameOrigin } from "./routes/same-origin.ts";
import { requireUser, signInRoutes } from "./routes/sign-in.ts";
import type { Users } from "./users.ts";

/** What the app is made of. */
export interface AppParts {
  sessionStack: SessionStack;
  userSessions: UserSessions;
  users: Users;
  chat: Chat;
  /** Wrong passwords that one address may try for one user. */
  wrongPerMinute: number;
}

/** The Express app: the page, and what it asks for under /api. */
export function makeApp(parts: AppParts): Express {
  const app = express();
  app.use(securityHeaders);
  // Before the sessions: files are the same for everybody.
  app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));
  // The package as it was built, for `import "/package/client.js"`.
  app.use(
    "/package",
    express.static(fileURLToPath(new URL(".", import.meta.resolve("express-session-stack")))),
  );
  app.use("/api", apiRoutes(parts));
  app.use(answerError);
  return app;
}

function apiRoutes({ sessionStack, userSessions, users, chat, wrongPerMinute }: AppParts): Router {
  const api = Router();
  api.use(noStore, sameOrigin, sessionStack(), express.json({ limit: "4kb" }));
  api.use(signInRoutes(users, userSessions, wrongPerMinute));
  api.use(requireUser(users));
  api.use(countRoutes(chat), deviceRoutes(userSessions), passwordRoutes(users, userSessions));
  return api;
}

const securityHeaders: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      objectSrc: ["'none'"],
    },
  },
});

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
