import { Router } from "express";
import type { UserSessions } from "express-session-stack";
import { z } from "zod";
import type { Users } from "../users.ts";
import { checkedBody, password } from "./checked.ts";
import type { UserResponse } from "./sign-in.ts";

const Change = z.object({ current: password, next: password.min(8) });

/** Changing the password, which ends every other session of the user. */
export function passwordRoutes(users: Users, { deleteUserSessions }: UserSessions): Router {
  const router = Router();

  router.post("/password", async (req, res: UserResponse) => {
    const { current, next } = checkedBody(req, Change, "A password has 8 to 128 characters.");
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
