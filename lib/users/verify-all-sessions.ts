import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { mendEntries } from "./mend-entries.ts";

/** What came of comparing the index with the sessions of all users. */
export interface AllSessionFindings {
  /** Sessions that have a user. */
  readonly sessions: number;
  /** How many of them are missing from the index; with `repair`, were. */
  readonly orphans: number;
}

/** Sessions that are compared at a time, and all that is held of them. */
const COMPARED_AT_ONCE = 500;

/** Finds sessions of any user that the index lacks, in one walk over all sessions; enters them if told to. */
export async function verifyAllSessions(
  { config }: SessionKeeper,
  repair: boolean,
): Promise<AllSessionFindings> {
  const { index, store, bounds, userIdOf } = config;
  let [sessions, orphans] = [0, 0];
  let found: { userId: string; sid: string }[] = [];
  const compare = async () => {
    const missing: typeof found = [];
    await bounds.lane.each(found, async (each) => {
      if (!(await index.confirm(each.userId, each.sid))) missing.push(each);
    });
    if (repair) await mendEntries(config, missing);
    sessions += found.length;
    orphans += missing.length;
    found = [];
  };
  for await (const [sid, data] of store.walk()) {
    const userId = userIdOf(data);
    if (userId !== undefined) found.push({ userId, sid });
    if (found.length >= COMPARED_AT_ONCE) await compare();
  }
  await compare();
  return { sessions, orphans };
}
