import session, { type SessionData } from "express-session";
import { mergeCookies } from "./merge-cookies.ts";

type Data = Record<string, unknown>;

/** Names that express-session's Session keeps for itself, so no data can stand under them. */
function isReserved(key: string): boolean {
  return key === "cookie" || key === "id" || key === "req" || key in session.Session.prototype;
}

/** The top-level keys under which data stands in either state, without the cookie. */
function dataKeys(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isReserved(key));
}

/** Whether two values are stored as the same JSON, so that nested changes count and `undefined` equals absent. */
function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Whether the same stands under a key in two states of a session. */
export function sameUnder(key: string, a: object, b: object): boolean {
  return sameJson((a as Data)[key], (b as Data)[key]);
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
 * Three-way merge by top-level key: `theirs`, with what changed from `base` to `mine` put over it.
 * All three are plain data as parsed from JSON; `theirs` is changed and returned, with a Cookie.
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

/** Puts what stands under a key in one state into another, also that nothing stands there. */
export function copyKey(from: object, to: object, key: string): void {
  const value = (from as Data)[key];
  if (value === undefined) delete (to as Data)[key];
  else (to as Data)[key] = value;
}
