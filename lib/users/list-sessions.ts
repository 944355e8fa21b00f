import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { touchedLifeMs } from "../sessions/data/inflate-cookie.ts";
import { readable, type StoredSession } from "../sessions/session-store.ts";
import { loginOf } from "./login/login.ts";
import type { IndexEntry } from "./session-index/session-index.ts";

/** A session of a user, as a "your devices" page shows it. Times are in milliseconds since the epoch. */
export interface UserSession {
  /** The session's id. It is a secret, because the cookie consists of this id and a signature. */
  readonly sid: string;
  /** When the user logged in with this session. */
  readonly createdAt: number | undefined;
  /** When the session was last saved or touched. This may be up to `touchAfterMs` before the last request. */
  readonly lastSeenAt: number | undefined;
  /** When the session ends if nobody uses it. `Infinity` means never, or that the store cannot tell. */
  readonly expiresAt: number;
  /** The client's address at the login. */
  readonly ip: string | undefined;
  /** The client's `User-Agent` at the login. */
  readonly userAgent: string | undefined;
  /** Whether this is the session of the request that asks. */
  readonly current: boolean;
  /** Open connections of the session, on all nodes that answered. */
  readonly connections: number;
}

/** The part of a `UserSession` that the stores know. */
export type KnownSession = Omit<UserSession, "current" | "connections">;

/** Lists the user's sessions for these index entries, the latest login first. Leaves out sessions that have ended. */
export async function listSessions(
  { config }: SessionKeeper,
  userId: string,
  entries: readonly IndexEntry[],
): Promise<KnownSession[]> {
  const { index, store, bounds, userIdOf, loginKey } = config;
  const found = new Map<string, { stored: StoredSession | undefined; expiresAt: number | undefined }>();
  await bounds.lane.each(entries, async ({ sid }) => {
    const [stored, [expiresAt]] = await Promise.all([readable(store.read(sid)), store.expiries([sid])]);
    found.set(sid, { stored, expiresAt });
  });
  const now = Date.now();
  // An entry without a session may belong to a login in progress, so it is removed only after it has expired too.
  const expired = entries.filter(
    ({ sid, expiresAt }) => found.get(sid)?.expiresAt === undefined && expiresAt <= now,
  );
  await index.remove(
    userId,
    expired.map(({ sid }) => sid),
  );

  return [...found]
    .flatMap(([sid, { stored, expiresAt }]) => {
      if (!stored || userIdOf(stored.data) !== userId || expiresAt === undefined) return [];
      const login = loginOf(stored.data, loginKey);
      // Each touch restarts the session's life, so the expiry tells when the last touch was.
      const lastSeenAt = Math.min(now, expiresAt - touchedLifeMs(store, stored.data));
      return [
        {
          sid,
          createdAt: login?.at,
          lastSeenAt: Number.isFinite(lastSeenAt) ? lastSeenAt : login?.at,
          expiresAt,
          ip: login?.ip,
          userAgent: login?.userAgent,
        },
      ];
    })
    .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0) || (a.sid < b.sid ? 1 : -1));
}
