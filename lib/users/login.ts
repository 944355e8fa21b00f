import type { Request } from "express";
import type { Session } from "express-session";

declare module "express-session" {
  interface SessionData {
    /** Who logged in with this session, and how it began; written by `logIn`, or with the first save that has a user. */
    login?: Login;
  }
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

/** Longest user agent that is kept: a header may have thousands of characters, and every session would. */
const USER_AGENT_LENGTH = 512;

/** The user agent of a request, as far as it is kept. */
export function userAgentOf(req: Request): string | undefined {
  return req.headers["user-agent"]?.slice(0, USER_AGENT_LENGTH);
}

/** The login of a user by this request. */
export function loginBy(req: Request, userId: string): Login {
  const userAgent = userAgentOf(req);
  const { ip } = req;
  return { userId, at: Date.now(), ...(ip && { ip }), ...(userAgent && { userAgent }) };
}

/** Writes the login into a session that has another user than it had, also if the app has set that user by itself. */
export function stampLogin(
  req: Request,
  session: Session,
  userId: string | undefined,
  userIdBefore: string | undefined,
): void {
  if (userId === userIdBefore) return;
  const login = session as { login?: Login };
  if (userId === undefined) delete login.login;
  else if (login.login?.userId !== userId) login.login = loginBy(req, userId);
}
