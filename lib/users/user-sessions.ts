import type { Request } from "express";
import { partsOf, type SessionStack } from "../middleware/stack.ts";
import { optionsCheck } from "../options/options-check.ts";
import { over } from "../options/options-object.ts";
import { delay, limit, trueOrFalse } from "../options/rule.ts";
import { Bounds } from "../sessions/bounds.ts";
import { COUNT_CONNECTIONS, END_SESSIONS, type EndedSessions } from "../sessions/ending-relay.ts";
import { readable, type StoredSession } from "../sessions/session-store.ts";
import { unavailable } from "../sessions/within.ts";
import { listSessions, type UserSession } from "./list-sessions.ts";
import { loginBy } from "./login.ts";
import { type User, userIdOf } from "./user.ts";
import type { UserEventName, UserListener } from "./user-events.ts";
import { type SessionFindings, verifySessions } from "./verify-sessions.ts";

/** Options of {@link userSessions}. */
export interface UserSessionsOptions {
  /** Names of what `logIn` takes over from the session before it, such as a cart. @default [] */
  keep?: readonly string[];
  /** Sessions that a user may have; a login above that ends the one whose login is the oldest. @default any number */
  maxSessionsPerUser?: number;
  /** Milliseconds that other nodes have to say that they have closed their connections. @default 1000 */
  ackTimeoutMs?: number;
}

/** What came of ending a user's sessions. */
export interface DeletionReceipt {
  /** Sessions that were there and are gone by this call. */
  readonly sessionsDeleted: number;
  /** On all nodes that answered. */
  readonly connectionsClosed: number;
  /** Ids of nodes that live and did not answer in `ackTimeoutMs`: they close their connections when they go on, or with their next revalidation. */
  readonly silentNodes: readonly string[];
}

/** Which sessions to leave, and who asks. */
export interface DeleteUserSessionsOptions {
  /** The id of a session that goes on, such as `req.sessionID`. */
  except?: string | undefined;
}

/** What {@link UserSessions.verifyUserSessions} does beside looking. */
export interface VerifyUserSessionsOptions {
  /** Mends what it finds. @default false */
  repair?: boolean;
}

/** The sessions of users: all functions are bound, so they can be taken apart. */
export interface UserSessions {
  /**
   * Logs a user in: gives the session a new id (so that one that was planted is of no use), keeps what `keep`
   * names, writes `session.login` and saves.
   *
   * @throws {SessionStackError} `ERR_SESSION_DELETED` if the user's sessions were deleted while it ran.
   */
  logIn(req: Request, user: User): Promise<void>;
  /** Logs out: ends the session and closes its connections. Without a session it does nothing. */
  logOut(req: Request): Promise<void>;
  /** The user's sessions, as a "your devices" page shows them, the latest login first. With a request, its own is `current`. */
  listUserSessions(user: User, req?: Request): Promise<UserSession[]>;
  /**
   * Ends every session of a user and closes their connections on all nodes.
   *
   * Resolves once every node that answered has stopped delivering to them. Sessions that begin after the call
   * are untouched. A user without sessions is not an error. Takes as long as the user has sessions, however
   * many others there are.
   *
   * @throws {SessionStackError} `ERR_STORE_UNAVAILABLE` if the store fails: some sessions may be gone then, and
   *   calling again ends the rest.
   */
  deleteUserSessions(user: User, options?: DeleteUserSessionsOptions): Promise<DeletionReceipt>;
  /** Ends one session, if it is this user's. Resolves to whether it was. */
  deleteUserSession(user: User, sid: string): Promise<boolean>;
  /**
   * Compares the index with the sessions, and with `repair` mends it. For maintenance, not for requests:
   * it reads every session of the store.
   */
  verifyUserSessions(user: User, options?: VerifyUserSessionsOptions): Promise<SessionFindings>;
  /** Listens for users who log in and out on this node. */
  on(event: UserEventName, listener: UserListener): UserSessions;
  /** Stops listening. */
  off(event: UserEventName, listener: UserListener): UserSessions;
}

const DEFAULTS: Readonly<{ keep: readonly string[]; maxSessionsPerUser: number; ackTimeoutMs: number }> =
  Object.freeze({
    keep: [],
    maxSessionsPerUser: Number.POSITIVE_INFINITY,
    ackTimeoutMs: 1000,
  });

const checked = optionsCheck<UserSessionsOptions>("userSessions", {
  keep: {
    expected: "an array of names",
    isRight: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  },
  maxSessionsPerUser: limit,
  ackTimeoutMs: delay,
});

const checkedDeletion = optionsCheck<DeleteUserSessionsOptions>("deleteUserSessions", {
  except: {
    expected: "the id of a session, such as req.sessionID",
    isRight: (value) => typeof value === "string" && value !== "",
  },
});

const checkedVerification = optionsCheck<VerifyUserSessionsOptions>("verifyUserSessions", {
  repair: trueOrFalse,
});

/** How far apart logins are at most that run at the same time. */
const AT_ONCE_MS = 2000;

/**
 * Finds and ends the sessions of users.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function userSessions(sessionStack: SessionStack, options?: UserSessionsOptions): UserSessions {
  const { keeper } = partsOf(sessionStack, "userSessions");
  const { keep, maxSessionsPerUser, ackTimeoutMs } = over(DEFAULTS, checked(options));
  const { index, store, node, timeoutMs, userIdOf: ofSession } = keeper.config;
  const asking = new Bounds(timeoutMs + ackTimeoutMs);
  if (Number.isFinite(maxSessionsPerUser)) keeper.users.limitBy(({ userId, sid }) => endOldest(userId, sid));

  async function logIn(req: Request, user: User): Promise<void> {
    const userId = userIdOf(user);
    if (!req.session) throw noSession();
    const before = req.session as unknown as Record<string, unknown>;
    const kept = Object.fromEntries(
      keep.filter((name) => name in before).map((name) => [name, before[name]]),
    );
    await req.session.regenerate();
    Object.assign(req.session, kept, { login: loginBy(req, userId) });
    await req.session.save();
  }

  /** Without a session there is nothing to log in to. */
  function noSession(): Error {
    // While the store is disconnected, requests go on without one.
    if (!keeper.isStoreReady) return unavailable("is disconnected");
    return new TypeError(
      "logIn: the request has no session; it was destroyed, or the stack did not run before",
    );
  }

  async function logOut(req: Request): Promise<void> {
    await req.session?.destroy();
  }

  async function listUserSessions(user: User, req?: Request): Promise<UserSession[]> {
    const sessions = await listSessions(keeper, userIdOf(user));
    if (sessions.length === 0) return [];
    const sids = sessions.map(({ sid }) => sid);
    const { answers } = await asking.call(() => node.ask(COUNT_CONNECTIONS, sids, ackTimeoutMs));
    return sessions.map((session, at) => ({
      ...session,
      current: session.sid === req?.sessionID,
      connections: (answers as number[][]).reduce((sum, counts) => sum + (counts[at] ?? 0), 0),
    }));
  }

  async function deleteUserSessions(
    user: User,
    options?: DeleteUserSessionsOptions,
  ): Promise<DeletionReceipt> {
    const { except } = checkedDeletion(options);
    const userId = userIdOf(user);
    // Revoked first, deleted second: a login that runs at the same time finds its entry revoked, or is deleted.
    const sids = await index.revoke(userId, except);
    return endRevoked(userId, sids);
  }

  async function deleteUserSession(user: User, sid: string): Promise<boolean> {
    const userId = userIdOf(user);
    if (!(await index.revokeOne(userId, sid))) return false;
    return (await endRevoked(userId, [sid])).sessionsDeleted > 0;
  }

  async function endRevoked(userId: string, sids: string[]): Promise<DeletionReceipt> {
    if (sids.length === 0) return { sessionsDeleted: 0, connectionsClosed: 0, silentNodes: [] };
    const found = await Promise.all(sids.map((sid) => readable(store.read(sid))));
    // An entry may be left of a session that is another user's now. One that is not there may be a login under way.
    const isOwn = (stored: StoredSession) => ofSession(stored.data) === userId;
    const own = sids.filter((_, at) => !found[at] || isOwn(found[at]));
    await Promise.all(own.map((sid) => store.remove(sid)));
    // After they are gone, so that a connection which opens meanwhile finds its session gone.
    const ended: EndedSessions = { sids: own, reason: "session_ended", at: Date.now() };
    const { answers, silentNodes } = await asking.call(() => node.ask(END_SESSIONS, ended, ackTimeoutMs));
    // Last: until here, whoever calls again after a failure finds them.
    await index.removeRevoked(userId, sids);
    const connectionsClosed = (answers as number[]).reduce((sum, closed) => sum + closed, 0);
    const sessionsDeleted = found.filter((stored) => stored && isOwn(stored)).length;
    return { sessionsDeleted, connectionsClosed, silentNodes };
  }

  async function endOldest(userId: string, ownSid: string): Promise<void> {
    const sessions = await listSessions(keeper, userId);
    const next = sessions[maxSessionsPerUser - 1];
    // In one order for all that log in at the same time, this login too: else each of two would end the other, or neither.
    for (const session of sessions.slice(maxSessionsPerUser)) {
      // One that says it was much later has not overtaken this login: the clock that it was made by is ahead.
      const isAhead = (next?.createdAt ?? 0) - (session.createdAt ?? 0) > AT_ONCE_MS;
      const { sid } = session.sid === ownSid && next && isAhead ? next : session;
      await deleteUserSession(userId, sid);
    }
  }

  const users: UserSessions = {
    logIn,
    logOut,
    listUserSessions,
    deleteUserSessions,
    deleteUserSession,
    verifyUserSessions: async (user, options) =>
      verifySessions(keeper, userIdOf(user), checkedVerification(options).repair ?? false),
    on(event, listener) {
      keeper.users.on(event, listener);
      return users;
    },
    off(event, listener) {
      keeper.users.off(event, listener);
      return users;
    },
  };
  return users;
}
