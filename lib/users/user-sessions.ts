import type { Request } from "express";
import { Bounds } from "../calls/bounds.ts";
import { unavailable } from "../calls/in-time.ts";
import { partsOf, type SessionStack } from "../middleware/stack.ts";
import { kindOf } from "../options/options-object.ts";
import { assertRequest, noMiddleware } from "../options/uncalled.ts";
import { BoundSession } from "../sessions/record/bound-session.ts";
import { countConnections } from "./count-connections.ts";
import { type DeletionReceipt, DeletionTally, sumOf } from "./deletion-receipt.ts";
import { listSessions, type UserSession } from "./list-sessions.ts";
import { loginBy } from "./login/login.ts";
import { type User, userIdOf } from "./login/user.ts";
import type { UserEventName, UserListener } from "./login/user-events.ts";
import { ENDED_AT_ONCE, RevokedSessions } from "./revoked-sessions.ts";
import { SessionLimit } from "./session-limit.ts";
import {
  checkedDeletion,
  checkedFullVerification,
  checkedVerification,
  type DeleteUserSessionsOptions,
  type ListUserSessionsOptions,
  mostListed,
  type UserSessionsOptions,
  userSessionsConfig,
  type VerifyUserSessionsOptions,
} from "./user-sessions-options.ts";
import { type AllSessionFindings, verifyAllSessions } from "./verify-all-sessions.ts";
import { type SessionFindings, verifySessions } from "./verify-sessions.ts";

/** A request of Express 4 or 5. The types of its params, query and body do not matter. */
export type UserRequest = Pick<Request, "headers" | "ip" | "session" | "sessionID">;

/** Manages the sessions of users. All functions are bound, so they can be destructured. */
export interface UserSessions {
  /**
   * Logs a user in: gives the session a new id, keeps the fields that `keep` names, writes `session.login` (or the
   * field that `loginKey` names), and saves. The new id makes an id useless that an attacker has planted.
   *
   * @throws {SessionStackError} `ERR_SESSION_DELETED` if the user's sessions were deleted during the call, or if the
   *   login that the request came with was ended,
   *   `ERR_SESSION_NOT_CARRIED` if the new session's cookie can no longer be sent,
   *   `ERR_STORE_UNAVAILABLE` if the store fails.
   * @throws {TypeError} if the request has no session.
   */
  logIn(req: UserRequest, user: User): Promise<void>;
  /** Logs out: ends the session, closes its connections, and expires its cookie. Does nothing without a session. */
  logOut(req: UserRequest): Promise<void>;
  /**
   * Lists the user's sessions, as a "your devices" page shows them, the latest login first. If a request is given, its
   * own session is `current`. When a user has more than `limit` sessions, the list has those that expire last.
   */
  listUserSessions(user: User, req?: UserRequest, options?: ListUserSessionsOptions): Promise<UserSession[]>;
  /**
   * Ends every session of a user and closes their connections on all nodes.
   *
   * Resolves once every node that answered has stopped delivering to them. Sessions that begin after the call
   * are untouched. A user without sessions is not an error. The duration grows with the number of the user's
   * sessions, not with those of others. Sessions are ended in batches, and requests are served meanwhile. Calls for
   * one user at the same time share the work. Each call counts the sessions that were ended while it ran.
   *
   * @throws {SessionStackError} `ERR_STORE_UNAVAILABLE` if the store fails. Some sessions may then be gone, and
   *   another call ends the rest.
   */
  deleteUserSessions(user: User, options?: DeleteUserSessionsOptions): Promise<DeletionReceipt>;
  /** Ends one session if it belongs to this user. Resolves to `true` if it ended the session. */
  deleteUserSession(user: User, sid: string): Promise<boolean>;
  /**
   * Compares the user's index with the sessions in the store, and repairs the index if `repair` is set. Reads every
   * session of the store, so it is for maintenance and not for requests.
   *
   * @throws {TypeError} if the store cannot list its sessions.
   */
  verifyUserSessions(user: User, options?: VerifyUserSessionsOptions): Promise<SessionFindings>;
  /**
   * Compares the index with the sessions of all users. If `repair` is set, enters the sessions that the index lacks.
   * Run it once after a migration: until then, nobody can find by user the sessions that another program has
   * written. It may run while the app is in use.
   *
   * @throws {TypeError} if the store cannot list its sessions.
   */
  verifyAllUserSessions(options?: VerifyUserSessionsOptions): Promise<AllSessionFindings>;
  /**
   * Listens for logins and logouts on this node. Sessions that expire, or that are deleted for a user, emit no
   * logout event.
   */
  on(event: UserEventName, listener: UserListener): UserSessions;
  /** Stops listening. */
  off(event: UserEventName, listener: UserListener): UserSessions;
}

/**
 * Finds and ends the sessions of users.
 *
 * @throws {TypeError} that names the wrong option.
 */
export function userSessions(sessionStack: SessionStack, options?: UserSessionsOptions): UserSessions {
  const { keeper } = partsOf(sessionStack, "userSessions");
  const { index, timeoutMs, loginKey } = keeper.config;
  const { keep, maxSessionsPerUser, ackTimeoutMs } = userSessionsConfig(options, loginKey);
  const asking = new Bounds(timeoutMs + ackTimeoutMs);
  const revoked = new RevokedSessions(keeper.config, asking, ackTimeoutMs);
  if (Number.isFinite(maxSessionsPerUser)) {
    const sessionLimit = new SessionLimit(keeper, revoked, maxSessionsPerUser);
    keeper.users.limitBy(({ userId, sid }) => sessionLimit.keep(userId, sid));
  }

  async function logIn(req: UserRequest, user: User): Promise<void> {
    assertRequest("logIn", req, "first argument");
    const userId = userIdOf(user);
    if (!req.session) throw noSession();
    if (!BoundSession.is(req.session)) throw foreignSession();
    const before = req.session as unknown as Record<string, unknown>;
    const kept = Object.fromEntries(
      keep.filter((name) => Object.hasOwn(before, name)).map((name) => [name, before[name]]),
    );
    BoundSession.recordOf(req.session).isLoggingIn = true;
    await req.session.regenerate();
    Object.assign(req.session, kept, { [loginKey]: loginBy(req, userId) });
    await req.session.save();
  }

  /** The error for a request without a session. There is nothing to log in to. */
  function noSession(): Error {
    // While the store is disconnected, requests continue without a session.
    if (!keeper.isStoreReady) return unavailable("is disconnected");
    return new TypeError(
      "logIn: the request has no session; it was destroyed, or the stack did not run before",
    );
  }

  /** The error for a session of another package. Its id would not change, and nobody could find it by user. */
  function foreignSession(): TypeError {
    return new TypeError(
      "logIn: req.session is not a session of this package; keep the one of sessionMiddleware, or create one with req.sessionStore",
    );
  }

  async function logOut(req: UserRequest): Promise<void> {
    assertRequest("logOut", req, "first argument");
    // Without a session, another call may be ending it and may not have succeeded yet. So this call waits for it.
    await (req.session ? req.session.destroy() : keeper.openOf(req)?.ending);
  }

  async function listUserSessions(
    user: User,
    req?: UserRequest,
    options?: ListUserSessionsOptions,
  ): Promise<UserSession[]> {
    if (req !== undefined) assertRequest("listUserSessions", req, "second argument, before the options,");
    const most = mostListed(options);
    const userId = userIdOf(user);
    const sessions = await listSessions(keeper, userId, await index.entries(userId, most));
    const sids = sessions.map(({ sid }) => sid);
    const connections = await countConnections(keeper.config, userId, sids, { asking, ackTimeoutMs });
    return sessions.map((session, at) => {
      return { ...session, current: session.sid === req?.sessionID, connections: connections[at] ?? 0 };
    });
  }

  async function deleteUserSessions(
    user: User,
    options?: DeleteUserSessionsOptions,
  ): Promise<DeletionReceipt> {
    const { except } = checkedDeletion(options);
    const userId = userIdOf(user);
    // Entries are revoked first, and sessions are deleted second.
    // So a login at the same time either finds its entry revoked, or is deleted.
    const receipt = await revoked.endAll(userId, await index.revoke(userId, except, ENDED_AT_ONCE));
    return sumOf(receipt, await revoked.endLost(userId, except, receipt));
  }

  async function deleteUserSession(user: User, sid: string): Promise<boolean> {
    const userId = userIdOf(user);
    if (typeof sid !== "string")
      throw new TypeError(`deleteUserSession: the session's id must be text, not ${kindOf(sid)}`);
    if (!(await index.revokeOne(userId, sid))) return false;
    const tally = new DeletionTally();
    await revoked.endSome(userId, [sid], tally);
    return tally.sessionsDeleted > 0;
  }

  const users: UserSessions = {
    logIn: noMiddleware("logIn", logIn),
    logOut: noMiddleware("logOut", logOut),
    listUserSessions: noMiddleware("listUserSessions", listUserSessions),
    deleteUserSessions: noMiddleware("deleteUserSessions", deleteUserSessions),
    deleteUserSession: noMiddleware("deleteUserSession", deleteUserSession),
    verifyUserSessions: async (user, options) =>
      verifySessions(keeper, userIdOf(user), checkedVerification(options).repair ?? false),
    verifyAllUserSessions: async (options) =>
      verifyAllSessions(keeper, checkedFullVerification(options).repair ?? false),
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
