import type { NextFunction, Request, RequestHandler, Response } from "express";
import type { ErrorListener } from "../observability/error-events.ts";
import { checkListening } from "../options/listening.ts";
import { markMade } from "../options/made-here.ts";
import { isCalledByServer, refuseCall } from "../options/uncalled.ts";
import type { OpenSession } from "./open-session.ts";
import { beforeHead } from "./response/before-head.ts";
import { finishSession } from "./response/finish-session.ts";
import { type HeldResponse, holdResponse } from "./response/hold-response.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { type SessionMiddlewareOptions, sessionConfig } from "./session-options.ts";

// This declaration stands here because an app's types reach only modules that an entry exports.
declare module "express-session" {
  interface Session {
    /**
     * Saves the session. Changed top-level keys are merged into what others have saved since it was loaded.
     * An HTTP request saves automatically when the response ends. A WebSocket saves only when the app calls `save`.
     *
     * @throws {SessionStackError} `ERR_SESSION_DELETED` if the session has ended, `ERR_SESSION_NOT_CARRIED` if it
     *   is new and no cookie can be sent any more, `ERR_STORE_UNAVAILABLE` if the store fails.
     */
    save(): Promise<void>;
    /** Loads the session anew into `req.session`. @throws {SessionStackError} `ERR_SESSION_DELETED` if it has ended. */
    reload(): Promise<void>;
    /** Ends the session, unsets `req.session`, and closes the session's connections with 4501. */
    destroy(): Promise<void>;
    /** Ends the session, closes its connections with 4009, and puts a new one with a new id into `req.session`. */
    regenerate(): Promise<void>;
  }
}

/** The Express middleware that `sessionMiddleware` makes. */
export interface SessionMiddleware extends RequestHandler {
  /**
   * Listens for errors that do not stop a request. Examples are a stored session that could not be read, a failed
   * touch, and a failed save after the response's head was sent. Without a listener the error is a process warning.
   */
  on(event: "error", listener: ErrorListener): this;
  /** Stops listening. */
  off(event: "error", listener: ErrorListener): this;
}

const keepers = new WeakMap<object, SessionKeeper>();

/** The keeper behind a session middleware, or `undefined` for any other function. */
export function keeperOf(middleware: object): SessionKeeper | undefined {
  return keepers.get(middleware);
}

/**
 * Gives each request its session in `req.session`. It is a drop-in replacement for express-session's `session()` and
 * uses express-session's own Session, Cookie and Store.
 *
 * The session is saved when the response ends, and is merged with what others have saved since it was loaded.
 * A session that has ended in the meantime is not written back. The response is sent once the session is
 * stored. If the store fails, the request fails, and `next` receives `ERR_STORE_UNAVAILABLE` (status 503).
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function sessionMiddleware(options?: SessionMiddlewareOptions): SessionMiddleware;
export function sessionMiddleware(...given: unknown[]): unknown {
  if (isCalledByServer(given))
    return refuseCall("sessionMiddleware: it was passed uncalled; pass sessionMiddleware({ secret })", given);
  const keeper = new SessionKeeper(sessionConfig(given[0] as SessionMiddlewareOptions | undefined));

  function session(req: Request, res: Response, next: NextFunction): void {
    // Another session middleware has run before.
    if (req.session) {
      next();
      return;
    }
    let opening: ReturnType<SessionKeeper["open"]>;
    try {
      opening = keeper.open(req);
    } catch (error) {
      // The error is not thrown. Outside of Express nobody would catch it, and the process would end.
      next(error);
      return;
    }
    if (opening instanceof Promise) opening.then(begin, next);
    else begin(opening);

    function begin(open: OpenSession | undefined): void {
      if (open) followResponse(keeper, open, req, res, next);
      next();
    }
  }

  const middleware: SessionMiddleware = Object.assign(session, {
    on(event: "error", listener: ErrorListener) {
      checkListening("sessionMiddleware", ["error"], event, listener);
      keeper.errors.on(listener);
      return middleware;
    },
    off(event: "error", listener: ErrorListener) {
      checkListening("sessionMiddleware", ["error"], event, listener);
      keeper.errors.off(listener);
      return middleware;
    },
  });
  keepers.set(middleware, keeper);
  return markMade(middleware);
}

/** Sends the cookie with the response's head, and finishes the session before the response's end. */
function followResponse(
  keeper: SessionKeeper,
  open: OpenSession,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  const { end } = res;
  let isEnded = false;
  let isFailed = false;

  beforeHead(res, () => {
    try {
      // Once the response has ended, all changes are saved. The session need not be compared again.
      open.sendCookie(res, { willSave: !isEnded });
    } catch (error) {
      // A cookie may be unwritable, such as one for an invalid domain. The response is sent without it.
      keeper.errors.report(error, req);
    }
  });

  res.end = function sessionEnd(...args: unknown[]): Response {
    if (isFailed) return send(args);
    if (isEnded) return res;
    isEnded = true;
    let finishing: Promise<unknown> | undefined;
    try {
      finishing = finishSession(keeper, open, req, res);
    } catch (error) {
      // The contents cannot be serialised. The error is not thrown, because the caller of `end` may not catch it.
      fail(error, res.headersSent, holdResponse(res), args);
      return res;
    }
    if (!finishing) return send(args);
    const wasHeadSent = res.headersSent;
    const held = holdResponse(res);
    finishing
      .then(
        () => {
          held.release();
          send(args);
        },
        (error) => fail(error, wasHeadSent, held, args),
      )
      .catch((error) => {
        // The data that the app passed to `end` cannot be sent, and no caller is left to throw the error to.
        res.destroy();
        keeper.errors.report(error, req);
      });
    return res;
  } as Response["end"];

  function fail(error: unknown, wasHeadSent: boolean, held: HeldResponse, args: unknown[]): void {
    isFailed = true;
    if (wasHeadSent) {
      send(args);
      keeper.errors.report(error, req);
    } else {
      // Nothing was sent yet, so the client can be told that its request was not stored.
      held.discard();
      next(error);
    }
  }

  function send(args: unknown[]): Response {
    return (end as (...args: unknown[]) => Response).apply(res, args);
  }
}
