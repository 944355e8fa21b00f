import type { SessionData, Store } from "express-session";
import { isSessionUnreadable, SessionStackError } from "../errors.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";

/** Milliseconds for which a store knows of an id that it was replaced: as long as a request may be on its way. */
export const REPLACED_KNOWN_MS = 10_000;

/** A session's contents, as data and as the JSON text of that data at one moment. */
export interface SessionSnapshot {
  /** The contents. */
  readonly data: SessionData;
  /** The contents as JSON, by which it is found what has changed. */
  readonly json: string;
  /** The contents as the store's `serializer` writes them, if it has one. */
  readonly text?: string;
}

/** A session as the store holds it. `data` is the reader's own copy. */
export interface StoredSession extends SessionSnapshot {
  /** Equal to another version of the same session exactly if nothing was written in between. */
  readonly version: string;
}

/** What a writer had loaded, as far as it must be kept: text only, since it is kept as long as a connection. */
export interface Base {
  /** The contents, as they were loaded. */
  readonly json: string;
  /** The version that was loaded. */
  readonly version: string;
  /** Whose session it was. */
  readonly userId?: string | undefined;
  /** The age that its cookie had, in milliseconds; `null` for none. */
  readonly ageMs?: number | null;
}

/** What a writer keeps of a session that it has found in the store. */
export function baseOf(
  { data, json, version }: StoredSession,
  userIdOf: (data: SessionData) => string | undefined,
): Base {
  return { json, version, userId: userIdOf(data), ageMs: data.cookie.originalMaxAge };
}

/**
 * How a write went: `changed` carries what somebody else wrote in the meantime, for the writer to merge with;
 * `expired` is a session whose own cookie says that it is over, and which was removed.
 */
export type WriteResult =
  | { readonly outcome: "expired" }
  | { readonly outcome: "written"; readonly version: string }
  | { readonly outcome: "changed"; readonly current: StoredSession }
  | { readonly outcome: "deleted" };

/**
 * What the stack asks of a place where sessions live.
 *
 * The rules, which the conformance suite attacks:
 * - `write` is one atomic step. It compares with what the writer had loaded and never overwrites what it
 *   has not seen; it never brings back a session that is gone.
 * - `refresh` moves the expiry and nothing else, and never brings a session back. It leaves a session as it is that is
 *   stored in another version than the refresher has loaded.
 * - `remove` of a session that is replaced tells that by `wasReplaced` before the session is gone.
 * - `remove` announces the ending once the session is gone, also if it was gone already, and resolves after that.
 * - `read` rejects with `ERR_SESSION_UNREADABLE` if the stored bytes are no session, and leaves them as they are.
 *
 * Every other failure may reject with whatever the store has; the caller bounds the time and wraps the error.
 */
export interface SessionStore {
  /** The express-session store that `req.sessionStore` is. */
  readonly expressStore: Store;
  /** Where this process hears that a session of this store has ended. */
  readonly endings: SessionEndings;
  /** What turns sessions into the text that is stored, and back, if it is not JSON: `version` is that text then. */
  readonly serializer?: SessionSerializer | undefined;

  /** Reads a session; `undefined` if there is none or it has expired. */
  read(sid: string): Promise<StoredSession | undefined>;

  /**
   * Writes a session that was loaded as `base`, or inserts a new one if there is none.
   * A session whose cookie has expired is removed and announced instead, as express-session's stores do.
   */
  write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult>;

  /**
   * Moves the expiry to that of `data.cookie`, if the session still stands there in the `version` that was loaded: what was
   * written since has begun its life then, which may be another one. Resolves to `false` if the session is gone.
   */
  refresh(sid: string, data: SessionData, version?: string): Promise<boolean>;

  /**
   * Deletes a session and announces it; without a reason, that is the caller's. One that is gone already is not an error:
   * with a reason it resolves to `false` then. A store that cannot tell may resolve to anything else.
   */
  remove(sid: string, reason?: EndReason): Promise<unknown>;

  /**
   * Whether the session was removed as `session_replaced` in the last 10 s, and by whichever node: a
   * request with the old cookie may still be on its way, whose client has another one by now. Asked only when a read
   * has found nothing.
   */
  wasReplaced(sid: string): Promise<boolean>;

  /** Milliseconds that a session with this data lives if it is written or refreshed now; `Infinity` if the store cannot tell. */
  lifeMs(data: SessionData): number;

  /**
   * All sessions, for maintenance: this takes as long as there are sessions. One that is there all the while is given;
   * where many sessions begin and end meanwhile, a store may give one twice.
   */
  walk(): AsyncIterable<[sid: string, data: SessionData]>;

  /**
   * When each of these sessions expires, in milliseconds since the epoch: `undefined` for one that is gone,
   * `Infinity` for one that does not expire or whose store cannot tell.
   */
  expiries(sids: readonly string[]): Promise<(number | undefined)[]>;
}

/** Turns a session into the text that a store holds, and back, as connect-redis takes it. */
export interface SessionSerializer {
  /** Reads what `stringify` has written. Throws, or rejects, if it is none. */
  parse(text: string): SessionData | Promise<SessionData>;
  /** Writes a session as text. */
  stringify(data: SessionData): string;
}

/** Whether a value given as `store` already keeps this contract. */
export function isSessionStore(store: object): store is SessionStore {
  return "expressStore" in store && "endings" in store && "write" in store;
}

/** What a read gives, and nothing for a session that cannot be read: it is nobody's. */
export async function readable(read: Promise<StoredSession | undefined>): Promise<StoredSession | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isSessionUnreadable(error)) return undefined;
    throw error;
  }
}

/** The error of a `read` whose bytes are no session. What they were is not told: it may be anything. */
export function sessionUnreadable(): SessionStackError {
  return new SessionStackError(
    "ERR_SESSION_UNREADABLE",
    "A stored session could not be read and was left as it is; check that all apps on this store use one serializer.",
  );
}

/** Throws unless the data has a cookie, without which express-session's Session cannot be made of it. */
export function assertSessionData(data: unknown): asserts data is SessionData {
  if (!isSessionData(data)) throw sessionUnreadable();
}

/** Whether the data has a cookie. */
export function isSessionData(data: unknown): data is SessionData {
  const cookie = (data as Partial<SessionData> | null)?.cookie;
  return typeof cookie === "object" && cookie !== null;
}
