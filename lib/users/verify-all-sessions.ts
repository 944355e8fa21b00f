import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { mendEntries } from "./mend-entries.ts";

/** The result of comparing the index with the sessions of all users. */
export interface AllSessionFindings {
  /** Sessions that have a user. */
  readonly sessions: number;
  /** Sessions of users that the index lacks, or lacked before `repair` entered them. */
  readonly orphans: number;
}

/** Sessions that are compared at a time. Memory never holds more of them. */
const COMPARED_AT_ONCE = 500;

/** Finds the sessions of all users that the index lacks, in one walk over the store. Enters them if `repair` is set. */
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
