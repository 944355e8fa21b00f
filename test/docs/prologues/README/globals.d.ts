// What the blocks of the README take from those before them, and what they leave to the reader.
import type { Server } from "node:http";
import type { Express } from "express";
import type * as stack from "express-session-stack";
import type * as redisEntry from "express-session-stack/redis";
import type passportModule from "passport";
import type * as redis from "redis";

declare global {
  const app: Express;
  const server: Server;
  const sessionStack: stack.SessionStack;
  const wsSessions: stack.WebSocketSessions;
  const chat: stack.Realtime;
  const realtime: typeof stack.realtime;
  const cookieMiddleware: typeof stack.cookieMiddleware;
  const sessionMiddleware: typeof stack.sessionMiddleware;
  const sessionMiddlewareStack: typeof stack.sessionMiddlewareStack;
  const createClient: typeof redis.createClient;
  const redisBackend: typeof redisEntry.redisBackend;
  const passport: typeof passportModule;
  type ClientEvents = { "chat.message": { room: string; text: string } };
  type ServerEvents = { "chat.message": { from?: string | undefined; text: string } };
  function checkPassword(body: unknown): Promise<{ id: string; name: string } | undefined>;
  function changePassword(userId: string, body: unknown): Promise<boolean>;
}
