import { chunks } from "../calls/in-batches.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { mendEntries } from "./mend-entries.ts";

/** Where the index and the sessions of a user do not agree. */
export interface SessionFindings {
  /** Sessions that live with the user and are missing from the index. */
  readonly orphans: readonly string[];
  /** Entries of the index whose session is gone, or is another user's. */
  readonly dangling: readonly string[];
}

/** What is mended at a time. */
const MENDED_AT_ONCE = 500;

/** Finds what a crash between two steps, or a hand in the store, has left behind; mends it if told to. */
export async function verifySessions(
  { config }: SessionKeeper,
  userId: string,
  repair: boolean,
): Promise<SessionFindings> {
  const { index, store, userIdOf } = config;
  // The index first: a login enters there first, so what the walk finds later is not missing for being new.
  const before = new Set((await index.entries(userId)).map(({ sid }) => sid));
  const living = new Set<string>();
  for await (const [sid, data] of store.walk()) if (userIdOf(data) === userId) living.add(sid);

  const entered = new Set((await index.entries(userId)).map(({ sid }) => sid));
  const orphans = [...living].filter((sid) => !entered.has(sid));
  // Only those that stood there before the walk: a login that is under way has an entry and no session yet.
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
