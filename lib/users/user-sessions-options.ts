import { optionsCheck, wrongOption } from "../options/options-check.ts";
import { over } from "../options/options-object.ts";
import { delay, limit, type Rule, trueOrFalse } from "../options/rule.ts";
import { isDataKey } from "../sessions/record/bound-session.ts";

/** Options of `userSessions`. */
export interface UserSessionsOptions {
  /** Names of the session fields that `logIn` keeps from the session before the login, such as a cart. @default [] */
  keep?: readonly string[];
  /** Sessions that a user may have. A login above that ends the session with the oldest login. @default any number */
  maxSessionsPerUser?: number;
  /** Milliseconds within which other nodes must confirm that they have closed their connections. @default 1000 */
  ackTimeoutMs?: number;
}

/** Options of `deleteUserSessions`: which session stays. */
export interface DeleteUserSessionsOptions {
  /** The id of a session that stays, such as `req.sessionID`. */
  except?: string | undefined;
}

/** Options of `listUserSessions`: how many sessions it lists. */
export interface ListUserSessionsOptions {
  /**
   * The largest number of sessions to list. When a user has more, the list has the sessions that expire last. These are
   * the most recently used sessions if all sessions live equally long. `Infinity` lists all sessions. The cost grows
   * with the limit. @default 1_000
   */
  limit?: number;
}

/** Options of `verifyUserSessions` and `verifyAllUserSessions`: whether they repair what they find. */
export interface VerifyUserSessionsOptions {
  /** Repairs the differences that the call finds. @default false */
  repair?: boolean;
}

const DEFAULTS: Readonly<{
  keep: readonly string[];
  maxSessionsPerUser: number;
  ackTimeoutMs: number;
}> = Object.freeze({
  keep: [],
  maxSessionsPerUser: Number.POSITIVE_INFINITY,
  ackTimeoutMs: 1000,
});

const keepRule: Rule = {
  expected: "an array of names, without those of a session's own members and of the login",
  isRight: (value) => Array.isArray(value) && value.every(isDataKey),
};

const checked = optionsCheck<UserSessionsOptions>("userSessions", {
  keep: keepRule,
  maxSessionsPerUser: limit,
  ackTimeoutMs: delay,
});

const checkedList = optionsCheck<ListUserSessionsOptions>("listUserSessions", { limit });

/** Returns how many sessions `listUserSessions` lists at most. @throws {TypeError} that names the option. */
export function mostListed(options: ListUserSessionsOptions | undefined): number {
  return checkedList(options).limit ?? 1000;
}

/** Checks the options of `deleteUserSessions`. @throws {TypeError} that names the option. */
export const checkedDeletion: (given: unknown) => DeleteUserSessionsOptions =
  optionsCheck<DeleteUserSessionsOptions>("deleteUserSessions", {
    except: {
      expected: "the id of a session, such as req.sessionID",
      isRight: (value) => typeof value === "string" && value !== "",
    },
  });

/** Checks the options of `verifyUserSessions`. @throws {TypeError} that names the option. */
export const checkedVerification: (given: unknown) => VerifyUserSessionsOptions =
  optionsCheck<VerifyUserSessionsOptions>("verifyUserSessions", {
    repair: trueOrFalse,
  });

/** Checks the options of `verifyAllUserSessions`. @throws {TypeError} that names the option. */
export const checkedFullVerification: (given: unknown) => VerifyUserSessionsOptions =
  optionsCheck<VerifyUserSessionsOptions>("verifyAllUserSessions", {
    repair: trueOrFalse,
  });

/**
 * Checks the options and fills in the defaults. `keep` must not contain `loginKey`.
 *
 * @throws {TypeError} that names the option.
 */
export function userSessionsConfig(
  options: UserSessionsOptions | undefined,
  loginKey: string,
): Required<UserSessionsOptions> {
  const config = over(DEFAULTS, checked(options));
  if (config.keep.includes(loginKey)) throw wrongOption("userSessions", "keep", keepRule, config.keep);
  return config;
}
