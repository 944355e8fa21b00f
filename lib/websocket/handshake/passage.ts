import type { Request, RequestHandler, Response } from "express";
import { isCookieMiddleware } from "../../middleware/cookie.ts";
import { runMiddlewares } from "../../middleware/stack.ts";
import type { Answer } from "../admission/answer.ts";
import type { Limit } from "../admission/give-up-limit.ts";
import { type AsyncScope, currentScope } from "../async-scope.ts";

/** The response for a cookieMiddleware, which does not use it. No real one is made. */
const UNUSED = {} as Response;

/** What a passage is made of. */
interface PassageParts {
  readonly req: Request;
  readonly answer: Answer;
  readonly limit: Limit;
  /** Whether to keep the caller's async context, even if no middleware enters one. */
  readonly keepsScope: boolean;
  /** Called with an error when nobody waits for its step any more. */
  readonly report: (error: unknown) => void;
}

/**
 * The way of a handshake through functions of the app. A middleware may call `next` inside `run` of an AsyncLocalStorage.
 * The later functions have that async context, as on HTTP.
 */
export class Passage {
  readonly #parts: PassageParts;
  #scope: AsyncScope | undefined;

  constructor(parts: PassageParts) {
    this.#parts = parts;
    if (parts.keepsScope) this.#scope = currentScope();
  }

  /** The current async context; `undefined` if nothing can have entered one. */
  get scope(): AsyncScope | undefined {
    return this.#scope;
  }

  /** Calls a function in the current async context. */
  call<Result>(call: () => Result): Result {
    return this.#scope ? this.#scope(call) : call();
  }

  /**
   * Runs middlewares. Resolves to whether any was asynchronous. A middleware that does not call `next` has answered by
   * `res`, or never will.
   */
  async through(middlewares: readonly RequestHandler[]): Promise<boolean> {
    if (middlewares.length === 0) return false;
    const { limit, report } = this.#parts;
    const areOurs = middlewares.every(isCookieMiddleware);
    // What is entered by enterWith stays in it: else Node's parser would have it, which is another line's after this one.
    if (!areOurs) this.#scope ??= currentScope();
    let hasPassed = false;
    const passing = this.call(() =>
      this.#run(middlewares, areOurs, () => {
        hasPassed = true;
      }),
    );
    if (hasPassed) return false;
    await limit.race(passing, report);
    return true;
  }

  #run(middlewares: readonly RequestHandler[], areOurs: boolean, onPassed: () => void): Promise<void> {
    const { req, answer, report } = this.#parts;
    const res = areOurs ? UNUSED : answer.res;
    let outcome: { readonly error: unknown } | undefined;
    return new Promise<void>((resolve, reject) => {
      runMiddlewares(middlewares, req, res, (error) => {
        if (outcome) {
          // The middleware has called `next` before.
          if (error && error !== outcome.error) report(error);
          return;
        }
        outcome = { error };
        if (error) {
          reject(error);
          return;
        }
        if (!areOurs) this.#scope = currentScope();
        onPassed();
        resolve();
      });
    });
  }
}
