import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Application, Request, Response } from "express";
import { Answer } from "../admission/answer.ts";

const ANSWER: unique symbol = Symbol("express-session-stack.answer");
type UpgradeRequest = Request & { [ANSWER]?: Answer | undefined };

/** The app's `request`, for upgrades, whose `res` is made when it is asked for. */
const requests = new WeakMap<Application, object>();

function requestOf(app: Application): object {
  const known = requests.get(app);
  if (known) return known;
  const made = Object.create((app as Application & { readonly request: object }).request, {
    res: {
      get(this: UpgradeRequest): Response {
        // On an open connection, data written to this response is dropped.
        this[ANSWER] ??= new Answer(this);
        return this[ANSWER].res;
      },
    },
  });
  requests.set(app, made);
  return made;
}

/** Releases the response of an answered handshake, because the request lives as long as its connection. */
export function releaseAnswer(req: Request): void {
  (req as UpgradeRequest)[ANSWER] = undefined;
}

/**
 * Turns an upgrade into a request of Express. `req` has `ip`, `secure`, `get` and the app's own settings. Cookies set on
 * `res` go into the handshake's answer, whether it accepts or refuses.
 */
export function expressUpgrade(
  app: Application,
  message: IncomingMessage,
  socket: Duplex,
): { req: Request; answer: Answer } {
  const req = Object.setPrototypeOf(message, requestOf(app)) as UpgradeRequest;
  const answer = new Answer(req, socket);
  req[ANSWER] = answer;
  req.originalUrl ??= req.url;
  if (!("query" in (app as Application & { readonly request: object }).request)) {
    // Express 4 has a middleware for it, Express 5 a getter, which throws for some targets.
    const parse = app.get("query parser fn") as (query: string) => Request["query"];
    const begin = req.url.indexOf("?") + 1;
    req.query = parse(begin > 0 ? req.url.slice(begin) : "");
  }
  return { req, answer };
}
