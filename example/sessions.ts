import { randomBytes } from "node:crypto";
import type { Session, SessionData } from "express-session";
import {
  type Backend,
  cookieMiddleware,
  memoryBackend,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
  type UserSessions,
  userSessions,
} from "express-session-stack";
import type { Users } from "./users.ts";

declare module "express-session" {
  // Typed once, for requests and connections. Two counters under two keys: saves at the same time merge by key.
  interface SessionData {
    /** When the session began, as ISO 8601. */
    firstVisit?: string;
    httpCount?: number;
    webSocketCount?: number;
  }
}

/** What a visitor sees of the session. */
export interface SessionView {
  /** The user's; `null` before signing in. */
  name: string | null;
  firstVisit: string | null;
  httpCount: number;
  webSocketCount: number;
}

export function viewOf(session: Session & Partial<SessionData>, users: Users): SessionView {
  return {
    name: users.find(session.login?.userId)?.name ?? null,
    firstVisit: session.firstVisit ?? null,
    httpCount: session.httpCount ?? 0,
    webSocketCount: session.webSocketCount ?? 0,
  };
}

export interface SessionsEnv {
  /** Where to keep sessions. Without it: in memory. */
  REDIS_URL?: string;
  /** What stands before every key in Redis. */
  REDIS_PREFIX?: string;
  SESSION_SECRET?: string;
}

export interface Sessions {
  sessionStack: SessionStack;
  userSessions: UserSessions;
  /** Leaves the other nodes and closes what the sessions are kept in. */
  close(): Promise<void>;
}

/** The session stack, and what it knows of users. */
export async function makeSessions(env: SessionsEnv): Promise<Sessions> {
  const { backend, close } = env.REDIS_URL ? await connectRedis(env.REDIS_URL, env.REDIS_PREFIX) : inMemory();
  const sessionStack = sessionMiddlewareStack(
    cookieMiddleware(),
    sessionMiddleware({
      // A random one ends all sessions when the server restarts: nobody's cookie is valid any more.
      secret: env.SESSION_SECRET || randomBytes(32).toString("hex"),
      backend,
    }),
  );
  sessionStack.on("error", (error) => console.error(error));
  return { sessionStack, userSessions: userSessions(sessionStack, { keep: ["firstVisit"] }), close };
}

interface OpenBackend {
  backend: Backend;
  close(): Promise<void>;
}

function inMemory(): OpenBackend {
  const backend = memoryBackend();
  return { backend, close: () => backend.close() };
}

async function connectRedis(url: string, prefix = "example:"): Promise<OpenBackend> {
  // Imported only here: without REDIS_URL the packages need not even be installed.
  const [{ createClient }, { redisBackend }] = await Promise.all([
    import("redis"),
    import("express-session-stack/redis"),
  ]);
  const client = createClient({ url });
  // Without a listener, a lost connection would end the process.
  client.on("error", (error) => console.error(`Redis: ${error}`));
  await client.connect();
  const backend = redisBackend({ client, prefix });
  return {
    backend,
    async close() {
      await backend.close();
      await client.close();
    },
  };
}
