// Names that blocks of the README take from earlier blocks or leave to the reader.
import type { Server } from "node:http";
import type { Express } from "express";
import type * as stack from "express-session-stack";

declare global {
  const app: Express;
  const server: Server;
  const sessionStack: stack.SessionStack;
  const wsSessions: stack.WebSocketSessions;
  const sessionMiddleware: typeof stack.sessionMiddleware;
  const webSocketSessions: typeof stack.webSocketSessions;
  function checkPassword(body: unknown): Promise<{ id: string; name: string } | undefined>;
  function changePassword(userId: string, body: unknown): Promise<boolean>;
  function reserve(item: string): Promise<void>;
}
