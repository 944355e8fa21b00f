import type * as http from "node:http";
import type expressModule from "express";
import type * as stack from "express-session-stack";
import type * as redisEntry from "express-session-stack/redis";
import type { RedisClientType } from "redis";

declare module "express-session" {
  interface SessionData {
    name?: string;
  }
}

declare global {
  const app: expressModule.Express;
  const server: http.Server;
  const secret: string;
  const client: RedisClientType;
  const sessionStack: stack.SessionStack;
  const wsSessions: stack.WebSocketSessions;
  const express: typeof expressModule;
  const createServer: typeof http.createServer;
  const cookieMiddleware: typeof stack.cookieMiddleware;
  const sessionMiddleware: typeof stack.sessionMiddleware;
  const sessionMiddlewareStack: typeof stack.sessionMiddlewareStack;
  const webSocketSessions: typeof stack.webSocketSessions;
  const realtime: typeof stack.realtime;
  const userSessions: typeof stack.userSessions;
  const redisBackend: typeof redisEntry.redisBackend;
}
