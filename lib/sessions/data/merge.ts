import session, { type SessionData } from "express-session";
import { mergeCookies } from "./merge-cookies.ts";

type Data = Record<string, unknown>;

/**
 * Names that express-session's Session uses itself, so no data can be stored under them. Names that every object has,
 * such as `toString` and `constructor`, are not reserved, because nothing calls them on a session.
 */
const RESERVED: ReadonlySet<string> = new Set(
  ["cookie", "id", "req", ...Object.getOwnPropertyNames(session.Session.prototype)].filter(
    (name) => name !== "constructor",
  ),
);

function isReserved(key: string): boolean {
  return RESERVED.has(key);
}

/**
 * Returns the own value of a key. Every state inherits `toString` and the like; these inherited members do not count.
 */
function valueUnder(key: string, state: object): unknown {
  return Object.hasOwn(state, key) ? (state as Data)[key] : undefined;
}

/** Returns the top-level keys that have data in either state, without the cookie. */
function dataKeys(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isReserved(key));
}

/** Whether two values are stored as the same JSON, so that nested changes count and `undefined` equals absent. */
function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Whether a key has the same value in two states of a session. */
export function sameUnder(key: string, a: object, b: object): boolean {
  return sameJson(valueUnder(key, a), valueUnder(key, b));
}

/** Whether anything but the cookie differs between two states of a session. */
export function hasChanges(before: object, after: object): boolean {
  return dataKeys(before, after).some((key) => !sameUnder(key, before, after));
}

/** The top-level keys that differ between two states of a session; the cookie is not compared. */
export function changedKeys(before: object, after: object): string[] {
  return dataKeys(before, after).filter((key) => !sameUnder(key, before, after));
}

/**
 * Merges by top-level key: puts the changes from `base` to `mine` over `theirs`. All three are plain data as parsed
 * from JSON. The function changes and returns `theirs`, whose cookie becomes a Cookie.
 */
export function mergeChanges(
  base: SessionData | undefined,
  mine: SessionData,
  theirs: SessionData,
  alsoMine: Iterable<string> = [],
): SessionData {
  for (const key of [...changedKeys(base ?? {}, mine), ...alsoMine]) copyKey(mine, theirs, key);
  theirs.cookie = mergeCookies(base?.cookie, mine.cookie, theirs.cookie);
  return theirs;
}

/** Copies the value of a key from one state to another. If the key has no value, it is deleted in the other state. */
export function copyKey(from: object, to: object, key: string): void {
  const value = valueUnder(key, from);
  if (value === undefined) delete (to as Data)[key];
  // An assignment to `__proto__` would change what the object is.
  else if (key === "__proto__") Object.defineProperty(to, key, { value, ...PLAIN });
  else (to as Data)[key] = value;
}

const PLAIN = { writable: true, enumerable: true, configurable: true };

/**
 * Copies values whose names every object inherits, such as `toString`, from `from` into a session. express-session
 * leaves these out.
 */
export function copyInherited(from: object, to: object): void {
  for (const key of Object.keys(from))
    if (key in Object.prototype && !isReserved(key)) copyKey(from, to, key);
}
