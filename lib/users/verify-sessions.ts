import { chunks } from "../calls/in-batches.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { mendEntries } from "./mend-entries.ts";

/** The differences between the index and the sessions of a user. */
export interface SessionFindings {
  /** Living sessions of the user that the index lacks. */
  readonly orphans: readonly string[];
  /** Index entries whose session is gone or belongs to another user. */
  readonly dangling: readonly string[];
}

/** Sessions or entries that are repaired at a time. */
const MENDED_AT_ONCE = 500;

/**
 * Finds differences that a crash between two steps, or a manual change of the store, has left. Repairs them if `repair`
 * is set.
 */
export async function verifySessions(
  { config }: SessionKeeper,
  userId: string,
  repair: boolean,
): Promise<SessionFindings> {
  const { index, store, userIdOf } = config;
  const before = new Set((await index.entries(userId)).map(({ sid }) => sid));
  const living = new Set<string>();
  for await (const [sid, data] of store.walk()) if (userIdOf(data) === userId) living.add(sid);

  // A login enters the index before its session is stored, so each new session that the walk finds is entered by now.
  const entered = new Set((await index.entries(userId)).map(({ sid }) => sid));
  const orphans = [...living].filter((sid) => !entered.has(sid));
  // Only entries from before the walk count: a login in progress has an entry and no session yet.
  const dangling = [...before].filter((sid) => entered.has(sid) && !living.has(sid));
  if (repair) {
    for (const sids of chunks(orphans, MENDED_AT_ONCE))
      await mendEntries(
        config,
        sids.map((sid) => ({ userId, sid })),
      );
    for (const sids of chunks(dangling, MENDED_AT_ONCE)) await index.remove(userId, sids);
  }
  return { orphans, dangling };
}
