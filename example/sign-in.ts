import { type RequestHandler, type Response, Router } from "express";
import type { UserSessions } from "express-session-stack";
import { viewOf } from "./sessions.ts";
import { textIn } from "./text-in.ts";
import type { User, Users } from "./users.ts";

const MAX_LENGTH = 128;
/** The same for both: nobody is to learn here which users there are. */
const WRONG = { error: "The user name or the password is wrong." };

/** A response after `requireUser`. */
export type UserResponse = Response<unknown, { user: User }>;

/** Lets only those through who are signed in, and says who it is in `res.locals.user`. */
export function requireUser(users: Users): RequestHandler {
  return function requireUser(req, res, next) {
    const user = users.find(req.session.login?.userId);
    if (user) {
      res.locals.user = user;
      next();
    } else {
      res.status(401).json({ error: "Sign in first." });
    }
  };
}

/** The session, signing in and signing out. */
export function signInRoutes(users: Users, { logIn, logOut }: UserSessions): Router {
  const router = Router();

  router.get("/session", (req, res) => {
    res.json(viewOf(req.session, users));
  });

  router.post("/sign-in", async (req, res) => {
    const id = textIn(req.body, "user", { max: MAX_LENGTH })?.trim().toLowerCase();
    const password = textIn(req.body, "password", { max: MAX_LENGTH });
    if (!id || !password) {
      res.status(400).json({ error: "Enter a user name and a password." });
      return;
    }
    const user = await users.authenticate(id, password);
    if (!user) {
      res.status(401).json(WRONG);
      return;
    }
    req.session.firstVisit ??= new Date().toISOString();
    await logIn(req, user);
    // If the password was changed since it was compared, the change has ended all sessions but this one.
    if (!users.isCurrent(user)) {
      await logOut(req);
      res.status(401).json(WRONG);
      return;
    }
    res.json(viewOf(req.session, users));
  });

  router.post("/sign-out", async (req, res) => {
    // Closes the connections of all of the session's tabs with 4501, too.
    await logOut(req);
    res.sendStatus(204);
  });

  return router;
}
