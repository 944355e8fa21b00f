import type { ErrorRequestHandler, Express, Request, Response } from "express";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import { countUp, secret } from "./support.ts";

/** The `Set-Cookie` line that expires the session's cookie. */
export const gone = "connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax";

export type Handler = (req: Request, res: Response) => unknown;

/** Gives an app a session that GET / counts in, and a handler at GET /end. */
export function endingApp(app: Express, options: SessionMiddlewareOptions, end: Handler): Express {
  app.use(sessionMiddleware({ secret, ...options }));
  app.get("/", (req, res) => void res.json(countUp(req)));
  app.get("/end", (req, res, next) => {
    Promise.resolve(end(req, res)).catch(next);
  });
  app.use(((error: { status?: number }, _req, res, _next) => {
    res.status(error.status ?? 400).end();
  }) as ErrorRequestHandler);
  return app;
}
