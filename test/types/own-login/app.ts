/**
 * An app that has a `login` of its own in its sessions: a compilation of its own, since an augmentation holds for all of
 * one. Nothing here is run: `tsc` is the test.
 */
import type { Request } from "express";
import type { SessionData } from "express-session";
import { type Login, sessionMiddleware, sessionMiddlewareStack, userSessions } from "express-session-stack";

declare module "express-session" {
  interface LoginKey {
    name: "signedIn";
  }
  interface SessionData {
    login: "form" | "single sign-on";
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
function is<_Holds extends true>(): void {}

const sessionStack = sessionMiddlewareStack(sessionMiddleware({ secret: "s", loginKey: "signedIn" }));
const { logIn, listUserSessions } = userSessions(sessionStack);

export async function handle(req: Request, data: SessionData): Promise<string | undefined> {
  is<Equal<typeof req.session.login, "form" | "single sign-on" | undefined>>();
  is<Equal<typeof data.signedIn, Login | undefined>>();
  req.session.login = "form";
  await logIn(req, "ada");
  await listUserSessions("ada", req, { limit: 10 });
  // @ts-expect-error: the app's own
  req.session.login = { userId: "ada", at: 0 };
  return req.session.signedIn?.userId;
}

/** The package's own sources are no part of this compilation, as in an app: its methods of sessions had no promises there. */
export async function waitForAll({ session }: Request): Promise<void> {
  await session.save();
  await session.reload();
  await session.destroy();
  await session.regenerate();
}
