import type { SessionData, Store } from "express-session";
import { isSessionUnreadable, SessionStackError } from "../errors.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";

/** Milliseconds for which a store remembers that an id was replaced. A late request can be on its way that long. */
export const REPLACED_KNOWN_MS = 10_000;

/** A session's contents, as data and as the JSON text of that data at one moment. */
export interface SessionSnapshot {
  /** The contents. */
  readonly data: SessionData;
  /** The contents as JSON. Changes are found by comparing this text. */
  readonly json: string;
  /** The contents as the store's `serializer` writes them, if it has one. */
  readonly text?: string;
}

/** A session as the store holds it. `data` is the reader's own copy. */
export interface StoredSession extends SessionSnapshot {
  /** Equals another version of the same session exactly if nothing was written in between. */
  readonly version: string;
}

/** The part of a loaded session that a writer keeps. It is text only, because it is kept as long as a connection. */
export interface Base {
  /** The contents, as they were loaded. */
  readonly json: string;
  /** The version that was loaded. */
  readonly version: string;
  /** The id of the session's user. */
  readonly userId?: string | undefined;
  /** The age of the session's cookie in milliseconds; `null` for none. */
  readonly ageMs?: number | null;
}

/** Returns the part of a stored session that a writer keeps. */
export function baseOf(
  { data, json, version }: StoredSession,
  userIdOf: (data: SessionData) => string | undefined,
): Base {
  return { json, version, userId: userIdOf(data), ageMs: data.cookie.originalMaxAge };
}

/**
 * The result of a write. `changed` carries what somebody else wrote in the meantime, so that the writer can merge
 * with it. `expired` means that the session's own cookie had expired and the session was removed.
 */
export type WriteResult =
  | { readonly outcome: "expired" }
  | { readonly outcome: "written"; readonly version: string }
  | { readonly outcome: "changed"; readonly current: StoredSession }
  | { readonly outcome: "deleted" };

/**
 * The contract of a place where sessions are stored.
 *
 * The conformance suite attacks these rules:
 *
 * - `write` is one atomic step. It compares the stored session with the one that the writer had loaded. It never
 *   overwrites what the writer has not seen, and never brings back a session that is gone.
 * - `refresh` moves only the expiry and never brings a session back. It leaves the session unchanged if its stored
 *   version differs from the one that the caller has loaded.
 * - `remove` of a replaced session makes `wasReplaced` true before the session is gone.
 * - `remove` announces the ending once the session is gone, even if it was gone already, and resolves after that.
 * - `read` rejects with `ERR_SESSION_UNREADABLE` if the stored bytes are no session, and leaves them unchanged.
 *
 * Every other failure may reject with any error of the store. The caller bounds the time and wraps the error.
 */
export interface SessionStore {
  /** The express-session store that the app sees as `req.sessionStore`. */
  readonly expressStore: Store;
  /** Announces in this process that a session of this store has ended. */
  readonly endings: SessionEndings;
  /** Converts sessions to the stored text and back, if the store does not use JSON. `version` is then that text. */
  readonly serializer?: SessionSerializer | undefined;

  /** Reads a session; `undefined` if there is none or it has expired. */
  read(sid: string): Promise<StoredSession | undefined>;

  /**
   * Writes a session that was loaded as `base`, or inserts a new one if there is no `base`. A session whose cookie
   * has expired is removed and announced instead, as express-session's stores do.
   */
  write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult>;

  /**
   * Moves the expiry to that of `data.cookie` if the stored session still has the loaded `version`. A later write has
   * set an expiry of its own, which may be a different one. Resolves to `false` if the session is gone.
   */
  refresh(sid: string, data: SessionData, version?: string): Promise<boolean>;

  /**
   * Deletes a session and announces its end. Without a reason, the announcement is left to the caller. A session that
   * is gone already is no error: with a reason, the call then resolves to `false`. A store that cannot tell may
   * resolve to anything else.
   */
  remove(sid: string, reason?: EndReason): Promise<unknown>;

  /**
   * Whether any node removed the session as `session_replaced` in the last 10 s. A request with the old cookie may
   * still be on its way although its client has a new cookie by now. This is asked only after a read has found
   * nothing.
   */
  wasReplaced(sid: string): Promise<boolean>;

  /**
   * Returns the milliseconds that a session with this data lives if it is written or refreshed now; `Infinity` if the
   * store cannot tell.
   */
  lifeMs(data: SessionData): number;

  /**
   * Iterates over all sessions, for maintenance. The time grows with the number of sessions. A session that exists
   * during the whole walk is returned. A store may return one twice if many sessions begin and end meanwhile.
   */
  walk(): AsyncIterable<[sid: string, data: SessionData]>;

  /**
   * Returns when each session expires, in milliseconds since the epoch: `undefined` for a session that is gone,
   * `Infinity` for one that does not expire or whose store cannot tell.
   */
  expiries(sids: readonly string[]): Promise<(number | undefined)[]>;
}

/** Converts a session to the text that a store holds, and back, as connect-redis expects it. */
export interface SessionSerializer {
  /** Parses text that `stringify` has written. Throws or rejects for any other text. */
  parse(text: string): SessionData | Promise<SessionData>;
  /** Writes a session as text. */
  stringify(data: SessionData): string;
}

/** Whether a value given as `store` already keeps this contract. */
export function isSessionStore(store: object): store is SessionStore {
  return "expressStore" in store && "endings" in store && "write" in store;
}

/** Returns the result of a read, or `undefined` for an unreadable session. Such a session belongs to nobody. */
export async function readable(read: Promise<StoredSession | undefined>): Promise<StoredSession | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isSessionUnreadable(error)) return undefined;
    throw error;
  }
}

/**
 * Creates the error of a `read` whose bytes are no session. The error does not quote the bytes: they may be anything.
 */
export function sessionUnreadable(): SessionStackError {
  return new SessionStackError(
    "ERR_SESSION_UNREADABLE",
    "A stored session could not be read and was left as it is; check that all apps on this store use one serializer.",
  );
}

/** Throws unless the data has a cookie. express-session's Session cannot be created without one. */
export function assertSessionData(data: unknown): asserts data is SessionData {
  if (!isSessionData(data)) throw sessionUnreadable();
}

/** Whether the data has a cookie. */
export function isSessionData(data: unknown): data is SessionData {
  const cookie = (data as Partial<SessionData> | null)?.cookie;
  return typeof cookie === "object" && cookie !== null;
}
