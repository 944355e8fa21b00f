import type { Express } from "express";
import type { WebSocketSessions } from "express-session-stack";

declare global {
  const app: Express;
  const wsSessions: WebSocketSessions;
}
