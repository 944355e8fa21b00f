import type { NextFunction, Request, RequestHandler, Response } from "express";
import type { ErrorListener } from "../observability/error-events.ts";
import { checkListening } from "../options/listening.ts";
import { markMade, refuseOtherCopy } from "../options/made-here.ts";
import { kindOf } from "../options/options-object.ts";
import { isRequest, refuseCall } from "../options/uncalled.ts";
import { cookieMiddleware } from "./cookie.ts";
import { keeperOf, type SessionMiddleware, sessionMiddleware } from "./session.ts";
import type { SessionKeeper } from "./session-keeper.ts";

/**
 * Middlewares that HTTP requests and WebSocket connections go through alike.
 *
 * `sessionStack()` is the Express middleware; `webSocketSessions(sessionStack)` uses the same ones.
 */
export interface SessionStack {
  /** Returns the middleware for `app.use(sessionStack())`. No arguments: TypeScript refuses `app.use(sessionStack)`. */
  (...nothing: never[]): RequestHandler;
  /** Listens for errors that do not stop a request; see {@link SessionMiddleware.on}. */
  on(event: "error", listener: ErrorListener): this;
  /** Stops listening. */
  off(event: "error", listener: ErrorListener): this;
}

/** The parts of a stack. */
export interface StackParts {
  /** The middlewares before the session middleware. `after` holds those after it. */
  readonly before: readonly RequestHandler[];
  readonly after: readonly RequestHandler[];
  readonly keeper: SessionKeeper;
}

const parts = new WeakMap<SessionStack, StackParts>();

/** The middlewares that stacks have returned. */
const called = new WeakSet<object>();

/**
 * Returns the parts of a stack that was given to a factory.
 *
 * @throws {TypeError} for anything that `sessionMiddlewareStack` has not made.
 */
export function partsOf(sessionStack: SessionStack, factory: string): StackParts {
  const found = parts.get(sessionStack);
  if (found) return found;
  refuseOtherCopy(sessionStack, factory);
  const isCalled = typeof sessionStack === "function" && called.has(sessionStack);
  const instead = isCalled ? "sessionStack()" : kindOf(sessionStack);
  throw new TypeError(
    `${factory}: the first argument must be what sessionMiddlewareStack(…) returns, uncalled, as ${factory}(sessionStack), not ${instead}`,
  );
}

const USE = "write app.use(sessionStack()), with sessionStack = sessionMiddlewareStack(…)";

/**
 * Combines middlewares in the order in which they run. One of them is a `sessionMiddleware`.
 * The idea comes from Django Channels' SessionMiddlewareStack.
 *
 * @throws {TypeError} if one is no middleware, is passed uncalled, or if there is not exactly one session.
 */
export function sessionMiddlewareStack(...middlewares: RequestHandler[]): SessionStack {
  if (isRequest(middlewares[0])) {
    // The server that has called this function ignores the result.
    return refuseCall(`sessionMiddlewareStack: it was passed uncalled; ${USE}`, middlewares) as never;
  }
  for (const [at, middleware] of middlewares.entries()) checkMiddleware(middleware, at);
  const sessions = middlewares.filter((middleware) => keeperOf(middleware));
  for (const each of middlewares) if (!keeperOf(each)) refuseOtherCopy(each, "sessionMiddlewareStack");
  const [session] = sessions as SessionMiddleware[];
  if (!session || sessions.length > 1) {
    throw new TypeError(
      `sessionMiddlewareStack: expected one sessionMiddleware(…) among the middlewares, got ${sessions.length}`,
    );
  }

  const sessionStack: SessionStack = Object.assign(
    (...given: unknown[]) => {
      if (given.length > 0) return refuseCall(`sessionStack: it was passed uncalled; ${USE}`, given) as never;
      function sessionStack(req: Request, res: Response, next: NextFunction): void {
        runMiddlewares(middlewares, req, res, next);
      }
      called.add(sessionStack);
      return sessionStack;
    },
    {
      on(event: "error", listener: ErrorListener) {
        checkListening("sessionStack", ["error"], event, listener);
        session.on(event, listener);
        return sessionStack;
      },
      off(event: "error", listener: ErrorListener) {
        checkListening("sessionStack", ["error"], event, listener);
        session.off(event, listener);
        return sessionStack;
      },
    },
  );
  markMade(sessionStack);
  const at = middlewares.indexOf(session);
  parts.set(sessionStack, {
    before: middlewares.slice(0, at),
    after: middlewares.slice(at + 1),
    keeper: keeperOf(session) as SessionKeeper,
  });
  return sessionStack;
}

/**
 * Runs middlewares one after the other. If one throws or rejects, `next` receives an error, as in Express 5. This also
 * holds if the thrown value is empty, because `next()` without an error would let the request pass.
 */
export function runMiddlewares(
  middlewares: readonly RequestHandler[],
  req: Request,
  res: Response,
  next: (error?: unknown) => void,
  at = 0,
): void {
  const middleware = middlewares[at];
  if (!middleware) {
    next();
    return;
  }
  const fail = (error: unknown) => next(error || new Error(`A middleware failed with ${String(error)}`));
  try {
    const done: unknown = middleware(req, res, (error?: unknown) => {
      if (error) next(error);
      else runMiddlewares(middlewares, req, res, next, at + 1);
    });
    const { then } = Object(done) as Partial<PromiseLike<unknown>>;
    if (typeof then === "function") then.call(done, undefined, fail);
  } catch (error) {
    fail(error);
  }
}

function checkMiddleware(middleware: unknown, at: number): void {
  for (const factory of [cookieMiddleware, sessionMiddleware, sessionMiddlewareStack]) {
    if (middleware === factory) {
      throw new TypeError(`sessionMiddlewareStack: pass ${factory.name}(), called, not ${factory.name}`);
    }
  }
  const argument = `sessionMiddlewareStack: argument ${at + 1} must be a middleware function`;
  if (typeof middleware !== "function") throw new TypeError(`${argument}, not ${kindOf(middleware)}`);
  if (parts.has(middleware as SessionStack)) throw new TypeError(`${argument}, not another stack`);
  // Express recognises error handlers by their number of parameters, and calls them only after an error.
  if (middleware.length > 3) throw new TypeError(`${argument}, not one for errors; that is for app.use`);
}
