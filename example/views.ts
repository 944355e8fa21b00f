import type { Request } from "express";
import type { UserSessions } from "express-session-stack";

/** What a page sees. Session ids stay here: they would give away what httpOnly cookies keep from it. */
export async function accountView(req: Request, { listUserSessions }: UserSessions) {
  const { login, httpCount = 0, webSocketCount = 0 } = req.session;
  const sessions = login ? await listUserSessions(login.userId, req) : [];
  const devices = sessions.map(({ sid, ...device }) => device);
  return { user: login?.userId ?? null, since: login?.at, httpCount, webSocketCount, devices };
}
