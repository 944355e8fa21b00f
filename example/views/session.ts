import type { Request } from "express";
import type { Users } from "../users.ts";
import { deviceId } from "./device.ts";

export type SessionView = ReturnType<typeof sessionView>;

/** What a page sees of its session. Before signing in there is no user. */
export function sessionView({ session, sessionID }: Request, users: Users) {
  const user = users.find(session.login?.userId);
  return {
    user: user?.id ?? null,
    name: user?.name ?? null,
    device: deviceId(sessionID),
    firstVisit: session.firstVisit ?? null,
    httpCount: session.httpCount ?? 0,
    webSocketCount: session.webSocketCount ?? 0,
  };
}
