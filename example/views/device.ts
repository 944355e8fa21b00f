import { createHash } from "node:crypto";
import type { UserSession } from "express-session-stack";
import { browserName } from "./browser-name.ts";

/** A session of the user, as the page shows it. Times are in ISO 8601. */
export function deviceView(session: UserSession) {
  return {
    id: deviceId(session.sid),
    browser: browserName(session.userAgent),
    ip: session.ip ?? null,
    signedInAt: isoTime(session.createdAt),
    lastSeenAt: isoTime(session.lastSeenAt),
    connections: session.connections,
    isThis: session.current,
  };
}

/** Session ids stay on the server: a page that had them would give away what httpOnly cookies keep from it. */
export function deviceId(sid: string): string {
  return createHash("sha256").update(sid).digest("base64url");
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
