import { type CipherKey, KeyObject } from "node:crypto";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { optionsCheck } from "../options/options-check.ts";
import { aFunction } from "../options/rule.ts";
import { isCalledByServer, refuseCall } from "../options/uncalled.ts";
import { parseCookies, requestCookies } from "./cookies/parse-cookies.ts";
import { SIGNED, unsignValue } from "./cookies/signed-value.ts";

/** Options of {@link cookieMiddleware}. */
export interface CookieMiddlewareOptions {
  /**
   * Signs `res.cookie(name, value, { signed: true })` and checks `req.signedCookies`. The session uses it too, unless
   * the session has a secret of its own. The first of several secrets signs, and all of them are accepted. An array is
   * read at each request.
   */
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
 * Parses the request's cookies into `req.cookies`. With a `secret` it parses signed cookies into `req.signedCookies`.
 *
 * It works like cookie-parser. A cookie with a wrong signature is `false` in `req.signedCookies`. Values that begin
 * with `j:` are parsed as JSON. `req.secret` is set for `res.cookie`.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function cookieMiddleware(options?: CookieMiddlewareOptions): RequestHandler;
export function cookieMiddleware(...given: unknown[]): unknown {
  if (isCalledByServer(given))
    return refuseCall("cookieMiddleware: it was passed uncalled; pass cookieMiddleware()", given);
  const options = checked(given[0]);
  const secrets = secretList(options.secret);
  let wasSigning = false;
  const decode = options.decode && decodeBy(options.decode);

  const parser = function cookieMiddleware(req: Request, _res: Response, next: NextFunction): void {
    // The app owns the array that it has given, and may have changed it since.
    const isSigning = secrets.length > 0;
    if ((wasSigning && !isSigning) || !secrets.every(isSecret)) {
      next(noSecret());
      return;
    }
    wasSigning = isSigning;
    if (isSigning) giveSecrets(req as RequestWithSecrets, secrets);
    if (req.cookies) {
      next();
      return;
    }
    const cookies: Record<string, unknown> = Object.create(null);
    const signedCookies: Record<string, unknown> = Object.create(null);
    const parsed = decode ? parseCookies(req.headers.cookie ?? "", decode) : requestCookies(req);
    for (const name in parsed) {
      const value = parsed[name] as string;
      if (isSigning && value.startsWith(SIGNED)) {
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

/** Whether a middleware was made by `cookieMiddleware`. Such a middleware does nothing with the response. */
export function isCookieMiddleware(middleware: RequestHandler): boolean {
  return parsers.has(middleware);
}

/** The key under which a request keeps the secrets of the cookieMiddleware that it went through. */
const GIVEN: unique symbol = Symbol("express-session-stack.secrets");

/** A request with the secret that `res.cookie` signs with, and with the secrets that cookieMiddleware was given. */
type RequestWithSecrets = Omit<Request, "secret"> & {
  secret?: CipherKey | undefined;
  [GIVEN]?: Given;
};

interface Given {
  readonly secrets: readonly CipherKey[];
  /** `req.secret` at the time when the secrets were noted. */
  readonly secret: CipherKey | undefined;
  /** Whether `secret` belongs to this cookieMiddleware, or was not set. */
  readonly isOwn: boolean;
  /** Whether `req.signedCookies` was checked with these secrets. */
  readonly isParser: boolean;
}

/** Notes the secrets. As with cookie-parser, the first parser sets `req.secret`. */
function giveSecrets(req: RequestWithSecrets, secrets: readonly CipherKey[]): void {
  const [first] = secrets;
  if (first === undefined) return;
  const isParser = !req.cookies;
  if (isParser) req.secret = first;
  const { secret } = req;
  req[GIVEN] ??= { secrets, secret, isOwn: secret === first || secret === undefined, isParser };
}

/**
 * The secrets of a request for a session without a secret of its own. `req.secret` signs. The other secrets of
 * cookieMiddleware are accepted too, unless the app has set another `req.secret` since.
 */
export function secretsOf(request: Request): readonly CipherKey[] {
  const { secret, [GIVEN]: given } = request as RequestWithSecrets;
  if (!given || given.secret !== secret) return secretList(secret);
  return given.isOwn || secret === undefined ? given.secrets : [secret, ...given.secrets];
}

/** Whether a cookieMiddleware has read the signed cookies. If so, no secrets beside its own exist. */
export function hasKnownSecrets(request: Request): boolean {
  return (request as RequestWithSecrets)[GIVEN]?.isParser === true;
}

/** One secret or several, as a list; `undefined` is none. */
export function secretList(secret: CipherKey | readonly CipherKey[] | undefined): readonly CipherKey[] {
  if (secret === undefined) return [];
  return Array.isArray(secret) ? secret : [secret as CipherKey];
}

/** Whether a value can sign. An empty secret cannot, because anybody could sign with it. */
export function isSecret(secret: unknown): boolean {
  if (typeof secret === "string") return secret !== "";
  if (secret instanceof KeyObject) return secret.type === "secret";
  return (ArrayBuffer.isView(secret) || secret instanceof ArrayBuffer) && secret.byteLength > 0;
}

function noSecret(): TypeError {
  return new TypeError('cookieMiddleware: option "secret" must not be empty, nor any of several');
}

/** As with cookie-parser, a value that cannot be decoded stays as it is. */
function decodeBy(decode: (value: string) => string): (value: string) => string {
  return (value) => {
    try {
      return decode(value);
    } catch {
      return value;
    }
  };
}

function jsonValue(value: string): unknown {
  if (!value.startsWith(JSON_VALUE)) return value;
  try {
    // Only a truthy result counts. As in cookie-parser, `j:0` stays a text.
    return JSON.parse(value.slice(JSON_VALUE.length)) || value;
  } catch {
    return value;
  }
}
