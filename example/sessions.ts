import { randomBytes } from "node:crypto";
import type { Session, SessionData } from "express-session";
import {
  type Backend,
  cookieMiddleware,
  memoryBackend,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
} from "express-session-stack";

declare module "express-session" {
  // Typed once, for requests and connections. Two counters under two keys: saves at the same time merge by key.
  interface SessionData {
    /** Whoever has signed in; without it the visitor has not. */
    displayName?: string;
    /** When the session began, as ISO 8601. */
    firstVisit?: string;
    httpCount?: number;
    webSocketCount?: number;
  }
}

/** What a visitor sees of the session. */
export interface SessionView {
  name: string | null;
  firstVisit: string | null;
  httpCount: number;
  webSocketCount: number;
}

export function viewOf(session: Session & Partial<SessionData>): SessionView {
  return {
    name: session.displayName ?? null,
    firstVisit: session.firstVisit ?? null,
    httpCount: session.httpCount ?? 0,
    webSocketCount: session.webSocketCount ?? 0,
  };
}

export interface Sessions {
  sessionStack: SessionStack;
  /** Closes what the sessions are kept in. */
  close(): Promise<void>;
}

/** The session stack: in memory, or in Redis if there is a `redisUrl`. */
export async function makeSessions(redisUrl: string | undefined): Promise<Sessions> {
  const { backend, close } = redisUrl ? await connectRedis(redisUrl) : inMemory();
  const sessionStack = sessionMiddlewareStack(
    cookieMiddleware(),
    sessionMiddleware({
      // A random one ends all sessions when the server restarts: nobody's cookie is valid any more.
      secret: process.env.SESSION_SECRET || randomBytes(32).toString("hex"),
      backend,
    }),
  );
  sessionStack.on("error", (error) => console.error(error));
  return { sessionStack, close };
}

interface OpenBackend {
  backend: Backend;
  close(): Promise<void>;
}

function inMemory(): OpenBackend {
  return { backend: memoryBackend(), close: async () => {} };
}

async function connectRedis(url: string): Promise<OpenBackend> {
  // Imported only here: without REDIS_URL the packages need not even be installed.
  const [{ createClient }, { redisBackend }] = await Promise.all([
    import("redis"),
    import("express-session-stack/redis"),
  ]);
  const client = createClient({ url });
  // Without a listener, a lost connection would end the process.
  client.on("error", (error) => console.error(`Redis: ${error}`));
  await client.connect();
  return {
    backend: redisBackend({ client, prefix: "example:" }),
    close: () => client.close(),
  };
}
