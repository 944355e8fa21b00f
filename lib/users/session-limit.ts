import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { DeletionTally } from "./deletion-receipt.ts";
import { listSessions } from "./list-sessions.ts";
import type { RevokedSessions } from "./revoked-sessions.ts";

/** How far apart logins are at most that run at the same time. */
const AT_ONCE_MS = 2000;

/** Sessions above the limit that one login ends at most. */
const ENDED_PER_LOGIN = 100;

/** Sessions above the limit and below it, among which the oldest login is looked for. */
const LOOKED_AT = 1000;

/** Keeps a user from having more sessions than may be. */
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
   * Ends the oldest logins above the limit, after a login with the session `ownSid`. That login waits for some to end: of a
   * user with far too many, each login ends as many of those that expire first.
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
      // There may be many more, so that this login is not the oldest. Entries without a session would be found by each login.
      const living = new Set(sessions.map(({ sid }) => sid));
      const dangling = entries.filter(({ sid }) => !living.has(sid));
      return [...dangling, ...oldest].map(({ sid }) => sid).filter((sid) => sid !== ownSid);
    }
    // In one order for all that log in at the same time, this login too: else each of two would end the other, or neither.
    return oldest.map((session) => {
      // One that says it was much later has not overtaken this login: the clock that it was made by is ahead.
      const isAhead = (next?.createdAt ?? 0) - (session.createdAt ?? 0) > AT_ONCE_MS;
      return session.sid === ownSid && next && isAhead ? next.sid : session.sid;
    });
  }
}
