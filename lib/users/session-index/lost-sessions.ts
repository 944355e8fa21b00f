import type { Node } from "../../bus/node/node.ts";
import { chunks, inBatches } from "../../calls/in-batches.ts";
import { digestOf } from "../../sessions/session-digest.ts";
import { readable, type SessionStore } from "../../sessions/session-store.ts";
import type { SessionIndex } from "./session-index.ts";
import type { UserIdOf } from "./user-indexed-store.ts";

/** The question to the nodes after the sessions of a user that the index knows have been ended. */
export const END_LOST_SESSIONS = "end_lost_sessions";

/** The user whose sessions end, and the digest of the session that stays. */
export interface LostSessions {
  readonly userId: string;
  readonly except?: string | undefined;
}

/** Sessions in one question to the store, and sessions that are then examined in parallel. */
const ASKED_AT_ONCE = 500;
const LOOKED_AT_ONCE = 20;

interface Parts {
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly userIdOf: UserIdOf;
}

/** The stores for which each node answers this question. */
const spokenFor = new WeakMap<Node, Parts[]>();

/**
 * Makes this node end, on request, the sessions that have connections here and that the user's index lacks. Such
 * sessions remain after Redis was emptied or a failover lost the last writes. Nobody can find them by their user.
 */
export function endLostSessions(node: Node, parts: Parts): void {
  const all = spokenFor.get(node);
  if (all) return void all.push(parts);
  const first = [parts];
  spokenFor.set(node, first);
  node.answer(END_LOST_SESSIONS, async (payload) => {
    const lost = payload as LostSessions;
    let closed = 0;
    for (const each of first) closed += await endOf(each, lost);
    return closed;
  });
}

/** Ends the lost sessions of one store. Resolves to the number of closed connections. */
async function endOf({ store, index, userIdOf }: Parts, { userId, except }: LostSessions): Promise<number> {
  const { endings } = store;
  let closed = 0;
  for (const sids of chunks(endings.sidsOf(userId), ASKED_AT_ONCE)) {
    const asked = except === undefined ? sids : sids.filter((sid) => digestOf(sid) !== except);
    const expiries = await store.expiries(asked);
    for (const [at, sid] of asked.entries())
      if (expiries[at] === undefined) closed += endings.close(sid, "session_ended");
    const living = asked.filter((_, at) => expiries[at] !== undefined);
    await inBatches(
      living,
      async (sid) => {
        // A login enters the index before its session is stored. So a stored session without an entry is lost.
        if ((await index.mark(userId, sid)) !== undefined) return;
        const stored = await readable(store.read(sid));
        if (!stored || userIdOf(stored.data) !== userId) return;
        // The end is not announced to other nodes. Each node closes and counts its own connections.
        await store.remove(sid);
        closed += endings.close(sid, "session_ended");
      },
      LOOKED_AT_ONCE,
    );
  }
  return closed;
}
