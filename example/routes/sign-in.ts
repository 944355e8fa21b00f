import { type RequestHandler, type Response, Router } from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";
import type { UserSessions } from "express-session-stack";
import { z } from "zod";
import type { User, Users } from "../users.ts";
import { sessionView } from "../views/session.ts";
import { checkedBody, password, userName } from "./checked.ts";

const SignIn = z.object({ user: userName, password });
/** The same for both: nobody is to learn here which users there are. */
const WRONG = { error: "The user name or the password is wrong." };

/** A response after `requireUser`. */
export type UserResponse = Response<unknown, { user: User }>;

/** Lets only those through who are signed in, and says who it is in `res.locals.user`. */
export function requireUser(users: Users): RequestHandler {
  return function requireUser(req, res, next) {
    res.locals.user = users.find(req.session.login?.userId);
    if (res.locals.user) next();
    else res.status(401).json({ error: "Sign in first." });
  };
}

/** Refuses an address that tries one user's password too often. Each node counts for itself. */
function signInLimit(wrongPerMinute: number): RequestHandler {
  return rateLimit({
    limit: wrongPerMinute,
    windowMs: 60_000,
    keyGenerator: ({ ip = "", body }) => `${ipKeyGenerator(ip)} ${String(body?.user).trim().toLowerCase()}`,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_req, res) => res.statusCode !== 401,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    message: { error: "Too many wrong passwords. Wait a minute, and try again." },
  });
}

/** The session, signing in and signing out. */
export function signInRoutes(users: Users, { logIn, logOut }: UserSessions, wrongPerMinute: number): Router {
  const router = Router();

  router.get("/session", (req, res) => {
    res.json(sessionView(req, users));
  });

  router.post("/sign-in", signInLimit(wrongPerMinute), async (req, res) => {
    const { user, password } = checkedBody(req, SignIn, "Enter a user name and a password.");
    const found = await users.authenticate(user, password);
    if (!found) {
      res.status(401).json(WRONG);
      return;
    }
    req.session.firstVisit ??= new Date().toISOString();
    await logIn(req, found.user);
    // If the password was changed since it was compared, the change has ended all sessions but this one.
    if (!(await users.isCurrent(found))) {
      await logOut(req);
      res.status(401).json(WRONG);
      return;
    }
    res.json(sessionView(req, users));
  });

  router.post("/sign-out", async (req, res) => {
    // Closes the connections of all of the session's tabs with 4501, too.
    await logOut(req);
    res.sendStatus(204);
  });

  return router;
}
