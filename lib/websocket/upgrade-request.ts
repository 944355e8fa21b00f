import { type IncomingMessage, ServerResponse } from "node:http";
import type { Application, Request, Response } from "express";

type ApplicationParts = Application & { readonly request: object; readonly response: object };

const RES: unique symbol = Symbol("express-session-stack.res");

/** The app's `request`, for upgrades, whose `res` is made when it is asked for: so it need not be kept as long as a connection. */
const requests = new WeakMap<Application, object>();

function requestOf(app: Application): object {
  const known = requests.get(app);
  if (known) return known;
  const { request, response } = app as ApplicationParts;
  const made = Object.create(request, {
    res: {
      get(this: Request & { [RES]?: Response | undefined }): Response {
        if (this[RES]) return this[RES];
        const res = Object.setPrototypeOf(new ServerResponse(this), response) as Response;
        res.req = this;
        res.locals ??= Object.create(null);
        this[RES] = res;
        return res;
      },
    },
  });
  requests.set(app, made);
  return made;
}

/** Lets go of the response of a handshake that was answered. */
export function releaseResponse(req: Request): void {
  (req as Request & { [RES]?: Response | undefined })[RES] = undefined;
}

/**
 * Makes of an upgrade what Express makes of a request: `req` with `ip`, `secure`, `get` and the app's own
 * settings, and a `res` whose cookies go into the handshake's answer, whatever that will be.
 */
export function expressUpgrade(app: Application, message: IncomingMessage): { req: Request; res: Response } {
  const { request } = app as ApplicationParts;
  const req = Object.setPrototypeOf(message, requestOf(app)) as Request;
  const { res } = req as Request & { res: Response };
  req.originalUrl ??= req.url;
  if (!("query" in request)) {
    // Express 4 has a middleware for it, Express 5 a getter, which throws for some targets.
    const parse = app.get("query parser fn") as (query: string) => Request["query"];
    req.query = parse(req.url.split("?")[1] ?? "");
  }
  return { req, res };
}
