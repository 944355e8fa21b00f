import { types } from "node:util";
import session, { type Session, type SessionData } from "express-session";

/** The attributes of a cookie apart from its age. */
export interface CookieAttributes {
  partitioned?: unknown;
  priority?: unknown;
  secure?: unknown;
  httpOnly?: unknown;
  domain?: unknown;
  path?: unknown;
  sameSite?: unknown;
}

/** The stored form of a cookie. */
export interface CookieData extends CookieAttributes {
  readonly originalMaxAge: number | null;
  readonly expires: Date | null;
}

/** The members of express-session's Cookie that are used unchanged. `_expires` holds its expiry. */
interface CookieBasis extends CookieAttributes {
  _expires: Date | null;
  originalMaxAge: number | null;
  readonly data: CookieData;
}

const CookieBase = session.Cookie as unknown as new (options?: object) => CookieBasis;

/**
 * express-session's Cookie with normalised times. `expires` is always a valid Date or `null`, and `originalMaxAge` is
 * always a finite number of milliseconds or `null`. The setters throw for a value that cannot be converted.
 */
export class SessionCookie extends CookieBase {
  static {
    // They are enumerable as in express-session, so that code which copies a cookie by `for … in` finds them.
    for (const name of ["expires", "maxAge"])
      Object.defineProperty(SessionCookie.prototype, name, { enumerable: true });
  }

  /** @throws {TypeError} that names the wrong attribute. */
  constructor(options?: object) {
    super(options);
    // When the options are a spread copy of another cookie, these members bypass the setters.
    if (!isValidDate(this._expires)) this._expires = expiryOf(this._expires);
    this.originalMaxAge = ageOf(this.originalMaxAge);
  }

  get expires(): Date | null {
    return this._expires;
  }

  set expires(value: unknown) {
    this._expires = expiryOf(value);
    this.originalMaxAge = this.maxAge;
  }

  get maxAge(): number | null {
    return this._expires && this._expires.getTime() - Date.now();
  }

  /** Sets the age to exactly this value. express-session computes the age from the clock, which may have moved on. */
  set maxAge(value: unknown) {
    if (typeof value === "object" && types.isDate(value)) {
      this.expires = value;
      return;
    }
    const age = ageOf(value);
    this._expires = age === null ? null : dateIn(age);
    this.originalMaxAge = age;
  }
}

/**
 * Returns the cookie of a session. An object that the app has put in its place is first converted to a Cookie.
 *
 * @throws {TypeError} if it cannot be converted.
 */
export function cookieOf(holder: Session | SessionData): SessionCookie {
  const { cookie } = holder as { cookie: unknown };
  if (cookie instanceof SessionCookie) return cookie;
  if (typeof cookie !== "object" || cookie === null)
    throw new TypeError("session.cookie must be a Cookie, or an object with the attributes of one");
  const made = cookie instanceof session.Cookie ? converted(cookie) : new SessionCookie(cookie);
  holder.cookie = made as unknown as SessionData["cookie"];
  return made;
}

/** Copies all stored attributes of a cookie into another one and returns that. */
export function copyCookie(
  { data }: Pick<CookieBasis, "data">,
  to: SessionCookie = new SessionCookie(),
): SessionCookie {
  // The age is assigned last, because setting `expires` recomputes it.
  const { originalMaxAge, ...attributes } = data;
  return Object.assign(to, attributes, { originalMaxAge });
}

/** A valid Date, or `null` for none. @throws {TypeError} for anything else. */
export function expiryOf(value: unknown): Date | null {
  if (isNone(value)) return null;
  const isTime = typeof value === "number" || typeof value === "string" || types.isDate(value);
  const expires = new Date(isTime ? value : Number.NaN);
  if (isValidDate(expires)) return expires;
  throw new TypeError(
    "cookie.expires must be a valid Date, the text of one, milliseconds since the epoch, null or false",
  );
}

/** A finite number of milliseconds, or `null` for none. @throws {TypeError} for anything else. */
export function ageOf(value: unknown): number | null {
  if (isNone(value)) return null;
  if (Number.isFinite(value)) return value as number;
  throw wrongAge();
}

function dateIn(ms: number): Date {
  const date = new Date(Date.now() + ms);
  if (!isValidDate(date)) throw wrongAge();
  return date;
}

function isValidDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

function wrongAge(): TypeError {
  return new TypeError("cookie.maxAge must be a finite number of milliseconds, null or false");
}

function isNone(value: unknown): value is null | undefined | false {
  return value === null || value === undefined || value === false;
}

function converted(cookie: unknown): SessionCookie {
  const { data } = cookie as CookieBasis;
  return copyCookie({ data: { ...data, originalMaxAge: ageOf(data.originalMaxAge) } });
}
