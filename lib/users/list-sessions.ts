import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { touchedLifeMs } from "../sessions/inflate-cookie.ts";
import { readable } from "../sessions/session-store.ts";

/** A session of a user, as a "your devices" page shows it. Times are in milliseconds since the epoch. */
export interface UserSession {
  /** Its id, a secret: the cookie is this and a signature. */
  readonly sid: string;
  /** When the user logged in with it. */
  readonly createdAt: number | undefined;
  /** When it was last saved or touched, so up to `touchAfterMs` before the last request. */
  readonly lastSeenAt: number | undefined;
  /** When it ends if nobody uses it; `Infinity` for never, or where the store cannot tell. */
  readonly expiresAt: number;
  /** The client's address at the login. */
  readonly ip: string | undefined;
  /** The client's `User-Agent` at the login. */
  readonly userAgent: string | undefined;
  /** Whether it is the session of the request that asks. */
  readonly current: boolean;
  /** Open connections, on all nodes that answered. */
  readonly connections: number;
}

/** What the stores know of a user's sessions, without those that have ended; the latest login first. */
export async function listSessions(
  { config }: SessionKeeper,
  userId: string,
): Promise<Omit<UserSession, "current" | "connections">[]> {
  const entries = await config.index.entries(userId);
  const sids = entries.map(({ sid }) => sid);
  const [found, expiries] = await Promise.all([
    Promise.all(sids.map((sid) => readable(config.store.read(sid)))),
    config.store.expiries(sids),
  ]);
  const now = Date.now();
  // An entry without a session may be a login that is under way: it goes only once it has expired as well.
  const expired = entries.filter(({ expiresAt }, at) => expiries[at] === undefined && expiresAt <= now);
  await config.index.remove(
    userId,
    expired.map(({ sid }) => sid),
  );

  return sids
    .flatMap((sid, at) => {
      const stored = found[at];
      const expiresAt = expiries[at];
      if (!stored || config.userIdOf(stored.data) !== userId || expiresAt === undefined) return [];
      const { login } = stored.data;
      // Each touch begins the life anew.
      const lastSeenAt = Math.min(now, expiresAt - touchedLifeMs(config.store, stored.data));
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
