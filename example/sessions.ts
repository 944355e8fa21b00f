import {
  type Backend,
  cookieMiddleware,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
  type UserSessions,
  userSessions,
} from "express-session-stack";

declare module "express-session" {
  // Typed once, for requests and connections. Two counters under two keys: saves at the same time merge by key.
  interface SessionData {
    /** When the session began, as ISO 8601. */
    firstVisit?: string;
    httpCount?: number;
    webSocketCount?: number;
  }
}

/** The session stack, and what it knows of users. */
export function makeSessions(
  backend: Backend,
  secret: string,
): { sessionStack: SessionStack; userSessions: UserSessions } {
  const sessionStack = sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret, backend }));
  sessionStack.on("error", (error) => console.error(error));
  return { sessionStack, userSessions: userSessions(sessionStack, { keep: ["firstVisit"] }) };
}
