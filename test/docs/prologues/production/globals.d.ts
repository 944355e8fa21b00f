import type * as events from "node:events";
import type { Server } from "node:http";
import type * as timers from "node:timers/promises";
import type { Express } from "express";
import type * as stack from "express-session-stack";
import type { RedisClientType } from "redis";

declare global {
  const app: Express;
  const server: Server;
  const sessionStack: stack.SessionStack;
  const wsSessions: stack.WebSocketSessions;
  const chat: stack.Realtime;
  const backend: stack.Backend;
  const client: RedisClientType;
  const once: typeof events.once;
  const delay: typeof timers.setTimeout;
}
