import { type CipherKey, KeyObject } from "node:crypto";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { optionsCheck } from "../options/options-check.ts";
import { aFunction } from "../options/rule.ts";
import { isCalledByServer, refuseCall } from "../options/uncalled.ts";
import { parseCookies, requestCookies } from "./parse-cookies.ts";
import { SIGNED, unsignValue } from "./signed-value.ts";

/** Options of {@link cookieMiddleware}. */
export interface CookieMiddlewareOptions {
  /** Signs `res.cookie(name, value, { signed: true })` and checks `req.signedCookies`; of several, the first signs. */
  secret?: CipherKey | readonly CipherKey[];
  /** Decodes a cookie's value. @default decodeURIComponent, and the value as it is where that fails */
  decode?: (value: string) => string;
}

const checked = optionsCheck<CookieMiddlewareOptions>("cookieMiddleware", {
  secret: {
    expected: "a secret that is not empty, or an array of such",
    isRight: (value) => secretList(value as CipherKey).every(isSecret),
  },
  decode: aFunction,
});

const JSON_VALUE = "j:";

/**
 * Parses the request's cookies into `req.cookies`, and with a `secret` the signed ones into `req.signedCookies`.
 *
 * It does what cookie-parser does: a cookie whose signature does not fit is `false` in `req.signedCookies`,
 * values that begin with `j:` are parsed as JSON, and `req.secret` is set for `res.cookie`.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function cookieMiddleware(options?: CookieMiddlewareOptions): RequestHandler;
export function cookieMiddleware(...given: unknown[]): unknown {
  if (isCalledByServer(given))
    return refuseCall("cookieMiddleware: it was passed uncalled; pass cookieMiddleware()", given);
  const { secret, decode } = checked(given[0]);
  const secrets = secretList(secret);

  const parser = function cookieMiddleware(req: Request, _res: Response, next: NextFunction): void {
    if (req.cookies) {
      next();
      return;
    }
    if (secrets[0] !== undefined) (req as { secret?: CipherKey }).secret = secrets[0];
    const cookies: Record<string, unknown> = Object.create(null);
    const signedCookies: Record<string, unknown> = Object.create(null);
    const parsed = decode ? parseCookies(req.headers.cookie ?? "", decode) : requestCookies(req);
    for (const name in parsed) {
      const value = parsed[name] as string;
      if (secrets.length > 0 && value.startsWith(SIGNED)) {
        const plain = unsignValue(value.slice(SIGNED.length), secrets);
        signedCookies[name] = plain === undefined ? false : jsonValue(plain);
      } else {
        cookies[name] = jsonValue(value);
      }
    }
    req.cookies = cookies;
    req.signedCookies = signedCookies;
    next();
  };
  parsers.add(parser);
  return parser;
}

const parsers = new WeakSet<RequestHandler>();

/** Whether a middleware is one of these, which do nothing with the response. */
export function isCookieMiddleware(middleware: RequestHandler): boolean {
  return parsers.has(middleware);
}

/** A request as cookie-parser leaves it: with the secret that `res.cookie` signs with. */
export type RequestWithSecret = Omit<Request, "secret"> & { secret?: CipherKey | undefined };

/** One secret or several, as a list; `undefined` is none. */
export function secretList(secret: CipherKey | readonly CipherKey[] | undefined): readonly CipherKey[] {
  if (secret === undefined) return [];
  return Array.isArray(secret) ? secret : [secret as CipherKey];
}

/** Whether something can sign: with an empty secret anybody could. */
export function isSecret(secret: unknown): boolean {
  if (typeof secret === "string") return secret !== "";
  if (secret instanceof KeyObject) return secret.type === "secret";
  return (ArrayBuffer.isView(secret) || secret instanceof ArrayBuffer) && secret.byteLength > 0;
}

function jsonValue(value: string): unknown {
  if (!value.startsWith(JSON_VALUE)) return value;
  try {
    // Only what is true: as in cookie-parser, whose `j:0` stays a text.
    return JSON.parse(value.slice(JSON_VALUE.length)) || value;
  } catch {
    return value;
  }
}
