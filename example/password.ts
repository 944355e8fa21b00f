import { Router } from "express";
import type { UserSessions } from "express-session-stack";
import type { UserResponse } from "./sign-in.ts";
import { textIn } from "./text-in.ts";
import type { Users } from "./users.ts";

const LENGTH = { min: 8, max: 128 } as const;

/** Changing the password, which ends every other session of the user. */
export function passwordRoutes(users: Users, { deleteUserSessions }: UserSessions): Router {
  const router = Router();

  router.post("/password", async (req, res: UserResponse) => {
    const current = textIn(req.body, "current", { max: LENGTH.max });
    const next = textIn(req.body, "next", LENGTH);
    if (!current || !next) {
      res.status(400).json({ error: `A password has ${LENGTH.min} to ${LENGTH.max} characters.` });
      return;
    }
    if (next === current) {
      res.status(400).json({ error: "That is the password that you have." });
      return;
    }
    const { user } = res.locals;
    if (!(await users.changePassword(user, current, next))) {
      res.status(403).json({ error: "The current password is wrong." });
      return;
    }
    // The password first: from here on nobody signs in by the old one, so nobody comes after this has looked.
    try {
      const { sessionsDeleted } = await deleteUserSessions(user, { except: req.sessionID });
      res.json({ sessionsEnded: sessionsDeleted });
    } catch (error) {
      console.error(error);
      const advice = "The password is changed, but other devices may still be signed in: sign them out.";
      res.status(503).json({ error: advice });
    }
  });

  return router;
}
