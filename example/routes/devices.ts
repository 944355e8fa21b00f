import { Router } from "express";
import type { UserSessions } from "express-session-stack";
import { deviceId, deviceView } from "../views/device.ts";
import type { UserResponse } from "./sign-in.ts";

/** Where the user is signed in, and signing out there. */
export function deviceRoutes(sessions: UserSessions): Router {
  const { listUserSessions, deleteUserSession, deleteUserSessions } = sessions;
  const router = Router();

  router.get("/devices", async (req, res: UserResponse) => {
    const sessions = await listUserSessions(res.locals.user, req);
    res.json(sessions.map(deviceView));
  });

  router.post("/devices/:id/sign-out", async (req, res: UserResponse) => {
    const { user } = res.locals;
    const session = (await listUserSessions(user)).find(({ sid }) => deviceId(sid) === req.params.id);
    // It may have ended by itself since the list was shown.
    if (session && (await deleteUserSession(user, session.sid))) res.sendStatus(204);
    else res.status(404).json({ error: "That device is signed out already." });
  });

  router.post("/devices/sign-out-others", async (req, res: UserResponse) => {
    const { sessionsDeleted } = await deleteUserSessions(res.locals.user, { except: req.sessionID });
    res.json({ sessionsEnded: sessionsDeleted });
  });

  return router;
}
