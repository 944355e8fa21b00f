import type { Express } from "express";
import type * as stack from "express-session-stack";

declare global {
  const app: Express;
  const sessionStack: stack.SessionStack;
  const chat: stack.Realtime;
  const user: stack.User;
  const logIn: stack.UserSessions["logIn"];
  const webSocketSessions: typeof stack.webSocketSessions;
  const realtime: typeof stack.realtime;
  const listUserSessions: stack.UserSessions["listUserSessions"];
  const deleteUserSession: stack.UserSessions["deleteUserSession"];
  const deleteUserSessions: stack.UserSessions["deleteUserSessions"];
}
