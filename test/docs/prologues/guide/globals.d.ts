import type { Express } from "express";
import type * as stack from "express-session-stack";
import type passportModule from "passport";

declare global {
  const app: Express;
  const sessionStack: stack.SessionStack;
  const chat: stack.Realtime;
  const realtime: typeof stack.realtime;
  const cookieMiddleware: typeof stack.cookieMiddleware;
  const sessionMiddleware: typeof stack.sessionMiddleware;
  const sessionMiddlewareStack: typeof stack.sessionMiddlewareStack;
  const passport: typeof passportModule;
}
