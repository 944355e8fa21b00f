import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { DeletionTally } from "./deletion-receipt.ts";
import { listSessions } from "./list-sessions.ts";
import type { RevokedSessions } from "./revoked-sessions.ts";

/** Logins at most this far apart count as logins at the same time. */
const AT_ONCE_MS = 2000;

/** One login ends at most this many sessions above the limit. */
const ENDED_PER_LOGIN = 100;

/** The oldest logins are looked for among the sessions above the limit and this many sessions below it. */
const LOOKED_AT = 1000;

/** Keeps the number of a user's sessions within the limit. */
export class SessionLimit {
  readonly #keeper: SessionKeeper;
  readonly #revoked: RevokedSessions;
  readonly #maxSessions: number;

  constructor(keeper: SessionKeeper, revoked: RevokedSessions, maxSessions: number) {
    this.#keeper = keeper;
    this.#revoked = revoked;
    this.#maxSessions = maxSessions;
  }

  /**
   * Ends the oldest logins above the limit, after a login with the session `ownSid`. The login waits for these endings,
   * so their number is bounded. When a user has far too many sessions, each login ends up to `ENDED_PER_LOGIN` of the
   * sessions that expire first.
   */
  async keep(userId: string, ownSid: string): Promise<void> {
    const { index, bounds } = this.#keeper.config;
    const sids = await this.#tooMany(userId, ownSid);
    const revoked: string[] = [];
    await bounds.lane.each(sids, async (sid) => {
      if (await index.revokeOne(userId, sid)) revoked.push(sid);
    });
    await this.#revoked.endSome(userId, revoked, new DeletionTally());
  }

  async #tooMany(userId: string, ownSid: string): Promise<string[]> {
    const max = this.#maxSessions;
    const atMost = max + ENDED_PER_LOGIN;
    const first = await this.#keeper.config.index.entries(userId, atMost, "first");
    if (first.length <= max) return [];
    const entries = first.slice(0, first.length - max + LOOKED_AT);
    const sessions = await listSessions(this.#keeper, userId, entries);
    const kept = max - (first.length - entries.length);
    const next = sessions[kept - 1];
    const oldest = sessions.slice(kept);
    if (first.length === atMost) {
      // The user may have many more sessions, so this login is not the oldest one and it stays.
      // Entries without a session are ended as well: otherwise each login would find them again.
      const living = new Set(sessions.map(({ sid }) => sid));
      const dangling = entries.filter(({ sid }) => !living.has(sid));
      return [...dangling, ...oldest].map(({ sid }) => sid).filter((sid) => sid !== ownSid);
    }
    // Logins at the same time all use one order, which includes this login.
    // Otherwise each of two logins would end the other, or neither would.
    return oldest.map((session) => {
      // A session whose login time is much later has not overtaken this login.
      // The clock that set its login time is ahead.
      const isAhead = (next?.createdAt ?? 0) - (session.createdAt ?? 0) > AT_ONCE_MS;
      return session.sid === ownSid && next && isAhead ? next.sid : session.sid;
    });
  }
}
