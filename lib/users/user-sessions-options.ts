import { optionsCheck, wrongOption } from "../options/options-check.ts";
import { over } from "../options/options-object.ts";
import { delay, limit, type Rule, trueOrFalse } from "../options/rule.ts";
import { isDataKey } from "../sessions/record/bound-session.ts";

/** Options of `userSessions`. */
export interface UserSessionsOptions {
  /** Names of what `logIn` takes over from the session before it, such as a cart. @default [] */
  keep?: readonly string[];
  /** Sessions that a user may have; a login above that ends the one whose login is the oldest. @default any number */
  maxSessionsPerUser?: number;
  /** Milliseconds that other nodes have to say that they have closed their connections. @default 1000 */
  ackTimeoutMs?: number;
}

/** Which sessions to leave, and who asks. */
export interface DeleteUserSessionsOptions {
  /** The id of a session that goes on, such as `req.sessionID`. */
  except?: string | undefined;
}

/** How many sessions to list. */
export interface ListUserSessionsOptions {
  /**
   * Sessions to list at most: of a user with more, those that expire last, which are those that were used last if all live
   * equally long. `Infinity` for all; what it costs grows with it. @default 1_000
   */
  limit?: number;
}

/** What `verifyUserSessions` does beside looking. */
export interface VerifyUserSessionsOptions {
  /** Mends what it finds. @default false */
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
  expected: "an array of names, none of a session's own members and not the login's",
  isRight: (value) => Array.isArray(value) && value.every(isDataKey),
};

const checked = optionsCheck<UserSessionsOptions>("userSessions", {
  keep: keepRule,
  maxSessionsPerUser: limit,
  ackTimeoutMs: delay,
});

const checkedList = optionsCheck<ListUserSessionsOptions>("listUserSessions", { limit });

/** How many sessions `listUserSessions` gives at most. @throws {TypeError} that names the option. */
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

/** Checks the options and puts the defaults under them; `loginKey` is what no login takes over. @throws {TypeError} that names the option. */
export function userSessionsConfig(
  options: UserSessionsOptions | undefined,
  loginKey: string,
): Required<UserSessionsOptions> {
  const config = over(DEFAULTS, checked(options));
  if (config.keep.includes(loginKey)) throw wrongOption("userSessions", "keep", keepRule, config.keep);
  return config;
}
