import type { Request } from "express";
import type { LoginKey } from "express-session";

/** The name that the app has given in `LoginKey`, or `"login"`. */
type LoginName = LoginKey extends { readonly name: infer Name extends string } ? Name : "login";

/** The part of a session that says who logged in. */
type SessionWithLogin = {
  /** Who logged in with this session, and how. `logIn` writes this, or the first save that has a user. */
  [Name in LoginName]?: Login;
};

declare module "express-session" {
  /**
   * Says under which name sessions keep their login, if that name is not `login`. An app adds the same name here that
   * it passes to `sessionMiddleware` as `loginKey`.
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

/** The part of a request that a login records. */
type LoginRequest = Pick<Request, "headers" | "ip">;

/** The longest user agent that is kept. Each session stores it, and a header may have thousands of characters. */
const USER_AGENT_LENGTH = 512;

/** Returns the user agent of a request, cut to `USER_AGENT_LENGTH`. */
export function userAgentOf(req: LoginRequest): string | undefined {
  return req.headers["user-agent"]?.slice(0, USER_AGENT_LENGTH);
}

/** Returns the login that a session holds under the name `loginKey`. */
export function loginOf(session: object, loginKey: string): Login | undefined {
  return (session as Record<string, Login | undefined>)[loginKey];
}

/** Makes the login of a user from this request. */
export function loginBy(req: LoginRequest, userId: string): Login {
  const userAgent = userAgentOf(req);
  const { ip } = req;
  return { userId, at: Date.now(), ...(ip && { ip }), ...(userAgent && { userAgent }) };
}

/** Writes the login into a session whose user has changed, also if the app itself has set the user. */
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
