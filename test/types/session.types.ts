/**
 * What a TypeScript user writes. Nothing here is run: `tsc --noEmit` is the test.
 *
 * An augmentation holds for the whole compilation, so its names are ones that no other test or example uses.
 */
import type { Request, RequestHandler, Response } from "express";
import type { Session, SessionData, Store } from "express-session";
import {
  type Backend,
  cookieMiddleware,
  memoryBackend,
  type SessionMiddleware,
  type SessionMiddlewareOptions,
  type SessionStack,
  SessionStackError,
  type SessionStackErrorCode,
  sessionMiddleware,
  sessionMiddlewareStack,
} from "../../lib/index.ts";

declare module "express-session" {
  interface SessionData {
    typedTheme: "light" | "dark";
    typedCart: { sku: string; quantity: number }[];
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
function is<_Holds extends true>(): void {}

export async function augmentation(req: Request): Promise<void> {
  is<Equal<typeof req.session.typedTheme, "light" | "dark" | undefined>>();
  req.session.typedTheme = "dark";
  req.session.typedCart?.push({ sku: "1", quantity: 1 });
  // @ts-expect-error: no such theme
  req.session.typedTheme = "blue";
  // @ts-expect-error: no such data
  req.session.typedThem = "dark";
  // @ts-expect-error: may be absent
  req.session.typedCart.push({ sku: "1", quantity: 1 });
  const id: string = req.session.id;
  const age: number | null | undefined = req.session.cookie.originalMaxAge;
  is<Equal<typeof req.sessionID, string>>();
  void [id, age];
}

export async function promises(req: Request): Promise<void> {
  const { session } = req;
  const saved = session.save();
  is<Equal<typeof saved, Promise<void>>>();
  const reloaded = session.reload();
  is<Equal<typeof reloaded, Promise<void>>>();
  const destroyed = session.destroy();
  is<Equal<typeof destroyed, Promise<void>>>();
  const regenerated = session.regenerate();
  is<Equal<typeof regenerated, Promise<void>>>();

  const nothing = await session.save();
  is<Equal<typeof nothing, void>>();
  session.save().then(
    () => {},
    (error: unknown) => error,
  );
  await Promise.all([session.save(), session.reload()]);
  // @ts-expect-error: a promise is no session
  session.save().id;
}

export function callbacks(req: Request, done: (error?: unknown) => void): void {
  const { session } = req;
  const saved = session.save(done);
  is<Equal<typeof saved, Request["session"]>>();
  session.save((error) => done(error)).touch();
  session.reload(done).resetMaxAge();
  session.regenerate(done);
  session.destroy(done);
  // @ts-expect-error: a callback is a function
  session.save("later");
  // @ts-expect-error: a session is no promise
  session.save(done).then(() => {});
}

export function onSessionAlone(session: Session, data: SessionData): void {
  const saved = session.save();
  is<Equal<typeof saved, Promise<void>>>();
  is<Equal<typeof data.typedTheme, "light" | "dark">>();
}

export function options(store: Store, request: Request, response: Response): void {
  const backend: Backend = memoryBackend({ ttl: 60, now: () => 0 });
  const middleware: SessionMiddleware = sessionMiddleware({
    secret: ["new", Buffer.from("old")],
    backend,
    store,
    cookie: { maxAge: 1_000, sameSite: "auto", secure: "auto", priority: "high", partitioned: true },
    name: "sid",
    genid: (req) => req.ip ?? "",
    proxy: true,
    resave: false,
    rolling: true,
    saveUninitialized: false,
    unset: "destroy",
    saveEveryRequest: true,
    saveUnless: (res) => res.statusCode >= 500,
    touchAfterMs: 0,
    timeoutMs: 1_000,
  });
  const asHandler: RequestHandler = middleware;
  sessionMiddleware({ secret: "s", cookie: (req) => ({ secure: req.secure, sameSite: "none" }) });
  for (const expires of [new Date(), "2040-01-01", Date.now(), null, false as const])
    sessionMiddleware({ secret: "s", cookie: { expires, maxAge: false } });
  sessionMiddleware();
  const kept: SessionMiddlewareOptions = { secret: "s" };
  asHandler(request, response, () => {});
  void kept;

  // @ts-expect-error: no such option
  sessionMiddleware({ secret: "s", saveUninitialised: true });
  // @ts-expect-error: "destroy" or "keep"
  sessionMiddleware({ secret: "s", unset: "remove" });
  // @ts-expect-error: no such attribute
  sessionMiddleware({ secret: "s", cookie: { sameSite: "loose" } });
  // @ts-expect-error: milliseconds are a number
  sessionMiddleware({ secret: "s", touchAfterMs: "1m" });
  // @ts-expect-error: an id is a string
  sessionMiddleware({ secret: "s", genid: () => 1 });
  // @ts-expect-error: a backend is more than a store
  sessionMiddleware({ secret: "s", backend: store });
  // @ts-expect-error: a list of secrets is not a secret of secrets
  cookieMiddleware({ secret: [["s"]] });
}

export function stack(): RequestHandler {
  const sessionStack: SessionStack = sessionMiddlewareStack(
    cookieMiddleware({ secret: "s", decode: (text) => text }),
    sessionMiddleware({ secret: "s" }),
  ).on("error", (error, req) => void [error.message, req.path]);
  // @ts-expect-error: uncalled
  sessionMiddlewareStack(cookieMiddleware, sessionMiddleware);
  // @ts-expect-error: no such event
  sessionStack.on("warning", () => {});
  // @ts-expect-error: no middleware
  sessionMiddlewareStack({});
  return sessionStack();
}

export function errors(error: unknown): number {
  if (!(error instanceof SessionStackError)) return 0;
  const code: SessionStackErrorCode = error.code;
  switch (code) {
    case "ERR_GROUP_FORBIDDEN":
    case "ERR_KEY_TAKEN":
    case "ERR_SESSION_DELETED":
    case "ERR_SESSION_NOT_CARRIED":
    case "ERR_SESSION_UNREADABLE":
    case "ERR_STORE_UNAVAILABLE":
    case "ERR_MEMORY_FULL":
    case "ERR_TOO_MANY_GROUPS":
      return error.status;
  }
}
