import { createHash } from "node:crypto";
import { Router } from "express";
import type { UserSession, UserSessions } from "express-session-stack";
import { browserName } from "./browser-name.ts";
import type { UserResponse } from "./sign-in.ts";

/** A session of the user, as the page shows it. Times are in ISO 8601. */
export interface Device {
  id: string;
  browser: string;
  ip: string | null;
  signedInAt: string | null;
  lastSeenAt: string | null;
  connections: number;
  isThis: boolean;
}

/** Where the user is signed in, and signing out there. */
export function deviceRoutes({
  listUserSessions,
  deleteUserSession,
  deleteUserSessions,
}: UserSessions): Router {
  const router = Router();

  router.get("/devices", async (req, res: UserResponse) => {
    const sessions = await listUserSessions(res.locals.user, req);
    res.json(sessions.map(deviceOf));
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

function deviceOf({ sid, userAgent, ip, createdAt, lastSeenAt, connections, current }: UserSession): Device {
  return {
    id: deviceId(sid),
    browser: browserName(userAgent),
    ip: ip ?? null,
    signedInAt: isoTime(createdAt),
    lastSeenAt: isoTime(lastSeenAt),
    connections,
    isThis: current,
  };
}

/** Session ids stay on the server: a page that had them would give away what httpOnly cookies keep from it. */
function deviceId(sid: string): string {
  return createHash("sha256").update(sid).digest("base64url");
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
