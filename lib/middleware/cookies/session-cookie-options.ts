import { type SerializeOptions, serialize } from "cookie";
import type { Request } from "express";
import type { CookieOptions as ExpressSessionCookieOptions } from "express-session";
import { checkOptions, wrongOption } from "../../options/options-check.ts";
import { isOptionsObject, over } from "../../options/options-object.ts";
import { aFunction, isFunction, type Rule, type Rules, trueOrFalse } from "../../options/rule.ts";

/** express-session's options of the session cookie. `"auto"` decides by the connection. */
export type SessionCookieOptions = Omit<ExpressSessionCookieOptions, "sameSite" | "expires" | "maxAge"> & {
  /** When the cookie expires: a Date, its text, or milliseconds since the epoch; `null` and `false` mean no expiry. */
  expires?: Date | string | number | null | false | undefined;
  /** Milliseconds until the cookie expires; `null` and `false` mean no expiry. */
  maxAge?: number | null | false | undefined;
  /** As in express-session; `"auto"` is `"none"` over TLS and `"lax"` without. */
  sameSite?: ExpressSessionCookieOptions["sameSite"] | "auto";
};

/** Returns the cookie's options for a request. */
export type SessionCookieFunction = (req: Request) => SessionCookieOptions;

const DEFAULTS: Readonly<SessionCookieOptions> = Object.freeze({
  path: "/",
  httpOnly: true,
  sameSite: "lax",
  secure: "auto",
});

/** Further options of express-session's Cookie. One belongs to another library's cookie, one to a session's own. */
interface ToleratedOptions {
  overwrite?: boolean;
  originalMaxAge?: number | null;
}

const maxAge: Rule = {
  expected: "a number of milliseconds or a Date, or null or false for as long as the browser is open",
  isRight: (value) =>
    value === null ||
    value === false ||
    isDate(value) ||
    (typeof value === "number" && isDate(new Date(Date.now() + value))),
  fix: (value) => (typeof value === "string" ? "write one hour as 60 * 60 * 1000" : undefined),
};

const RULES: Rules<SessionCookieOptions & ToleratedOptions> = {
  domain: {
    expected: "a domain without scheme and port, such as example.com",
    isRight: (value) => value === null || (typeof value === "string" && isCookie("a", { domain: value })),
  },
  encode: aFunction,
  expires: {
    expected:
      "a Date, its text or milliseconds since the epoch, or false or null for as long as the browser is open",
    isRight: (value) =>
      value === false ||
      value === null ||
      isDate(value) ||
      (["string", "number"].includes(typeof value) && isDate(new Date(value as string | number))),
    fix: () => "maxAge is the age in milliseconds",
  },
  httpOnly: trueOrFalse,
  maxAge,
  originalMaxAge: maxAge,
  overwrite: trueOrFalse,
  partitioned: trueOrFalse,
  path: {
    expected: 'a path that begins with "/", without "?" and "#"',
    isRight: (value) =>
      typeof value === "string" && /^\/[^?#]*$/.test(value) && isCookie("a", { path: value }),
  },
  priority: {
    expected: '"low", "medium" or "high"',
    isRight: (value) => isOneOf(value, "low", "medium", "high"),
  },
  sameSite: {
    expected: '"lax", "strict", "none", "auto", true (strict) or false',
    isRight: (value) =>
      typeof value === "boolean" || value === "auto" || isOneOf(value, "lax", "strict", "none"),
  },
  secure: {
    expected: 'true, false or "auto"',
    isRight: (value) => typeof value === "boolean" || value === "auto",
  },
  signed: trueOrFalse,
};

/** The rule of sessionMiddleware's option `cookie`. */
export const cookieRule: Rule = {
  expected: "an object, as { maxAge: 60 * 60 * 1000 }, or a function of the request that returns one",
  isRight: (value) => isFunction(value) || isOptionsObject(value),
  inside: RULES,
};

const ANSWERED = "sessionMiddleware's cookie function";

/**
 * A client may have asked for something that is no valid domain or path. This causes an error event, and the response
 * is sent without the cookie.
 */
const ANSWER_RULES: typeof RULES = {
  ...RULES,
  domain: { ...RULES.domain, isRight: (value) => value === null || typeof value === "string" },
  path: { ...RULES.path, isRight: (value) => typeof value === "string" && value.startsWith("/") },
};

/** Returns a function that gives a request's cookie options, with defaults. `given` is already checked. */
export function cookieOptionsBy(
  given: SessionCookieOptions | SessionCookieFunction,
  name: string,
): (req: Request) => SessionCookieOptions {
  if (typeof given !== "function") {
    const fixed = kept("sessionMiddleware", name, over(DEFAULTS, given));
    return () => fixed;
  }
  return (req) => {
    const answer: unknown = given(req);
    if (isOptionsObject(answer)) {
      const options = checkOptions<SessionCookieOptions>(ANSWERED, ANSWER_RULES, answer);
      return kept(ANSWERED, name, over(DEFAULTS, options));
    }
    const expected = "a function that answers with an object, as (req) => ({ maxAge: 60 * 60 * 1000 })";
    throw wrongOption("sessionMiddleware", "cookie", { expected }, answer);
  };
}

/** Returns the same options. @throws {TypeError} if browsers drop every cookie that has these attributes together. */
function kept(factory: string, name: string, options: SessionCookieOptions): SessionCookieOptions {
  const conflict = conflictOf(name, options);
  if (conflict) throw new TypeError(`${factory}: browsers drop this cookie: ${conflict}`);
  return options;
}

/** Finds conflicts by RFC 6265bis, sections 4.1.3 and 5.7, and CHIPS, section 2.1. */
function conflictOf(
  name: string,
  { sameSite, secure, partitioned, domain, path }: SessionCookieOptions,
): string | undefined {
  const [, prefix] = /^(__Host-|__Secure-)/i.exec(name) ?? [];
  if (secure === false) {
    const fix = 'needs secure: true or "auto"';
    if (isOneOf(sameSite, "none")) return `sameSite: "none" ${fix}`;
    if (partitioned) return `partitioned: true ${fix}`;
    if (prefix) return `a name that begins with "${prefix}" ${fix}`;
  }
  if (prefix?.toLowerCase() === "__host-" && (domain || path !== "/"))
    return 'a name that begins with "__Host-" needs the path "/" and no domain';
  return undefined;
}

/** Whether a cookie can be written with this name and these options. */
export function isCookie(name: string, options: SerializeOptions = {}): boolean {
  try {
    return serialize(name, "", options) !== "";
  } catch {
    return false;
  }
}

/** Whether a value is a date that a cookie can hold. Browsers accept no year of five digits. */
function isDate(value: unknown): boolean {
  const date =
    Object.prototype.toString.call(value) === "[object Date]" ? (value as Date).getTime() : Number.NaN;
  return date < Date.UTC(10_000, 0);
}

function isOneOf(value: unknown, ...texts: readonly string[]): boolean {
  return typeof value === "string" && texts.includes(value.toLowerCase());
}
