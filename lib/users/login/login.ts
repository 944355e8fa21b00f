import type { Request } from "express";
import type { LoginKey } from "express-session";

/** The name that the app has given in `LoginKey`, or `"login"`. */
type LoginName = LoginKey extends { readonly name: infer Name extends string } ? Name : "login";

/** Sessions as far as they say who logged in. */
type SessionWithLogin = {
  /** Who logged in with this session, and how it began; written by `logIn`, or with the first save that has a user. */
  [Name in LoginName]?: Login;
};

declare module "express-session" {
  /**
   * Says under which name sessions keep their login, if it is not `login`: an app adds the same name here that it gives
   * `sessionMiddleware` as `loginKey`.
   *
   * ```ts
   * declare module "express-session" {
   *   interface LoginKey {
   *     name: "signedIn";
   *   }
   * }
   * ```
   */
  interface LoginKey {}

  interface SessionData extends SessionWithLogin {}
}

/** How a user's session began, as `listUserSessions` shows it. */
export interface Login {
  /** Who logged in. */
  userId: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** The client's address, by the app's `trust proxy`. */
  ip?: string;
  /** The first 512 characters of the request's `User-Agent`. */
  userAgent?: string;
}

/** What a login says of its request. */
type LoginRequest = Pick<Request, "headers" | "ip">;

/** Longest user agent that is kept: a header may have thousands of characters, and every session would. */
const USER_AGENT_LENGTH = 512;

/** The user agent of a request, as far as it is kept. */
export function userAgentOf(req: LoginRequest): string | undefined {
  return req.headers["user-agent"]?.slice(0, USER_AGENT_LENGTH);
}

/** The login that a session holds under a name. */
export function loginOf(session: object, loginKey: string): Login | undefined {
  return (session as Record<string, Login | undefined>)[loginKey];
}

/** The login of a user by this request. */
export function loginBy(req: LoginRequest, userId: string): Login {
  const userAgent = userAgentOf(req);
  const { ip } = req;
  return { userId, at: Date.now(), ...(ip && { ip }), ...(userAgent && { userAgent }) };
}

/** Writes the login into a session that has another user than it had, also if the app has set that user by itself. */
export function stampLogin(
  req: LoginRequest,
  session: object,
  loginKey: string,
  userId: string | undefined,
  userIdBefore: string | undefined,
): void {
  if (userId === userIdBefore) return;
  const logins = session as Record<string, Login>;
  if (userId === undefined) delete logins[loginKey];
  else if (logins[loginKey]?.userId !== userId) logins[loginKey] = loginBy(req, userId);
}
