/**
 * What a TypeScript user writes of users. Nothing here is run: `tsc --noEmit` is the test.
 */
import type { IncomingHttpHeaders } from "node:http";
import express, { type Request, type Response, Router } from "express";
import type { Session, SessionData } from "express-session";
import {
  type AllSessionFindings,
  type Connection,
  type DeletionReceipt,
  type Login,
  memoryBackend,
  sessionMiddleware,
  sessionMiddlewareStack,
  type UserSession,
  type UserSessions,
  userSessions,
} from "../../lib/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
function is<_Holds extends true>(): void {}

const sessionStack = sessionMiddlewareStack(sessionMiddleware({ secret: "s", backend: memoryBackend() }));
const { logIn, logOut, listUserSessions, verifyAllUserSessions }: UserSessions = userSessions(sessionStack);

interface Params {
  id: string;
}

// Once, each of these was an error: `logIn` accepted only a request with any params.
export function typedRequests(): void {
  const app = express();
  app.post("/users/:id/login", async (req: Request<{ id: string }>, res: Response<{ ok: boolean }>) => {
    await logIn(req, req.params.id);
    await logOut(req);
    is<Equal<typeof req.params.id, string>>();
    await listUserSessions(req.params.id, req, { limit: 20 });
    res.json({ ok: true });
  });
  app.post("/inferred/:user", async (req, res) => {
    await logIn(req, req.params.user);
    res.end();
  });
  app.post<Params, { ok: boolean }, { password: string }, { next?: string }, { started: number }>(
    "/all/:id",
    async (req, res) => {
      await logIn(req, req.body.password ? req.params.id : "");
      await logOut(req);
      await listUserSessions("ada", req);
      res.json({ ok: req.query.next !== undefined });
    },
  );
  Router({ mergeParams: true }).get("/", async (req: Request<Params, unknown, never>) => logOut(req));
}

/** A request as the types of Express 4 have it, as far as these functions look at it. */
interface Express4Request {
  headers: IncomingHttpHeaders;
  ip: string | undefined;
  params: { id: string };
  session: Session & Partial<SessionData>;
  sessionID: string;
  param(name: string, defaultValue?: unknown): string;
}

export async function others(old: Express4Request, connection: Connection): Promise<void> {
  await logIn(old, old.params.id);
  await logIn(connection.req, { id: 7 });
  await logOut(connection.req);
  // @ts-expect-error: no request
  await logIn({}, "ada");
  // @ts-expect-error: a user has an id
  await logIn(old, {});
}

export async function results(req: Request): Promise<void> {
  const listed = await listUserSessions("ada", req);
  is<Equal<typeof listed, UserSession[]>>();
  await listUserSessions("ada", undefined, { limit: Number.POSITIVE_INFINITY });
  // @ts-expect-error: a number
  await listUserSessions("ada", req, { limit: "10" });
  const findings = await verifyAllUserSessions({ repair: true });
  is<Equal<typeof findings, AllSessionFindings>>();
  is<Equal<typeof findings.orphans, number>>();
  const receipt: DeletionReceipt = await userSessions(sessionStack).deleteUserSessions("ada");
  void receipt;
  is<Equal<typeof req.session.login, Login | undefined>>();
}
