import type { Request } from "express";
import type { Users } from "../users.ts";
import { deviceId } from "./device.ts";

/** What a page sees of its session. */
export interface SessionView {
  /** The user's id and name; `null` before signing in. */
  user: string | null;
  name: string | null;
  /** The id of the session's device. */
  device: string;
  firstVisit: string | null;
  httpCount: number;
  webSocketCount: number;
}

export function sessionView({ session, sessionID }: Request, users: Users): SessionView {
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
