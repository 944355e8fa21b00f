import { type IncomingMessage, ServerResponse } from "node:http";
import type { Application, Request, Response } from "express";

/**
 * Makes of an upgrade what Express makes of a request: `req` with `ip`, `secure`, `get` and the app's own
 * settings, and a `res` whose cookies go into the handshake's answer, whatever that will be.
 */
export function expressUpgrade(app: Application, message: IncomingMessage): { req: Request; res: Response } {
  const { request, response } = app as Application & { request: object; response: object };
  const req = Object.setPrototypeOf(message, request) as Request;
  const res = Object.setPrototypeOf(new ServerResponse(message), response) as Response;
  req.res = res;
  res.req = req;
  res.locals ??= Object.create(null);
  req.originalUrl ??= req.url;
  if (!("query" in request)) {
    // Express 4 has a middleware for it, Express 5 a getter, which throws for some targets.
    const parse = app.get("query parser fn") as (query: string) => Request["query"];
    req.query = parse(req.url.split("?")[1] ?? "");
  }
  return { req, res };
}
