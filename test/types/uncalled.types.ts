/** What TypeScript tells of factories that are passed uncalled. Nothing here is run: `tsc --noEmit` is the test. */
import type { Server } from "node:http";
import type { Express, RequestHandler, Router } from "express";
import {
  cookieMiddleware,
  memoryBackend,
  realtime,
  type SessionStack,
  sessionMiddleware,
  sessionMiddlewareStack,
  userConnectionStore,
  userSessions,
  type WebSocketSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";

export function middlewares(app: Express, router: Router, sessionStack: SessionStack): void {
  app.use(sessionStack());
  app.use("/admin", cookieMiddleware(), sessionStack());
  // @ts-expect-error: uncalled
  app.use(sessionStack);
  // @ts-expect-error: uncalled
  app.use("/admin", sessionStack);
  // @ts-expect-error: uncalled
  router.use(sessionStack);
  // @ts-expect-error: uncalled
  app.get("/", sessionStack, (_req, res) => res.end());
  // @ts-expect-error: uncalled
  const handler: RequestHandler = sessionStack;
  // @ts-expect-error: uncalled, with the types of Express 4 too, whose handlers may return anything
  const ofExpress4: (req: object, res: object, next: () => void) => void = sessionStack;
  // @ts-expect-error: uncalled
  app.use(sessionMiddlewareStack);
  // @ts-expect-error: uncalled
  sessionMiddlewareStack(sessionMiddleware);
  // @ts-expect-error: a stack is no middleware of another
  sessionMiddlewareStack(sessionStack);
  void [handler, ofExpress4];
}

export function webSockets(server: Server, sessionStack: SessionStack, wsSessions: WebSocketSessions): void {
  server.on("upgrade", wsSessions.handleUpgrade);
  wsSessions.attach(realtime());
  // @ts-expect-error: its handleUpgrade is the listener
  server.on("upgrade", wsSessions);
  // @ts-expect-error: called
  webSocketSessions(sessionStack());
  // @ts-expect-error: called
  userSessions(sessionStack());
  // @ts-expect-error: uncalled
  wsSessions.attach(realtime);
}

export function options(): void {
  sessionMiddleware({ backend: memoryBackend() });
  // @ts-expect-error: uncalled
  sessionMiddleware({ backend: memoryBackend });
  // @ts-expect-error: uncalled
  sessionMiddleware({ backend: redisBackend });
  // @ts-expect-error: uncalled
  realtime({ connectionStore: userConnectionStore });
  // @ts-expect-error: misspelt
  sessionMiddleware({ cookie: { maxage: 1_000 } });
  // @ts-expect-error: a text is no object, as it is for cookie-parser
  cookieMiddleware("secret");
}
