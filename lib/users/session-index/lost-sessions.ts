import type { Node } from "../../bus/node/node.ts";
import { chunks, inBatches } from "../../calls/in-batches.ts";
import { digestOf } from "../../sessions/session-digest.ts";
import { readable, type SessionStore } from "../../sessions/session-store.ts";
import type { SessionIndex } from "./session-index.ts";
import type { UserIdOf } from "./user-indexed-store.ts";

/** What nodes are asked to do once the sessions of a user have been ended that the index knows. */
export const END_LOST_SESSIONS = "end_lost_sessions";

/** Whose they are, and the digest of the one that stays. */
export interface LostSessions {
  readonly userId: string;
  readonly except?: string | undefined;
}

/** Sessions that the store is asked for in one go, and that are looked at one by one at a time. */
const ASKED_AT_ONCE = 500;
const LOOKED_AT_ONCE = 20;

interface Parts {
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly userIdOf: UserIdOf;
}

/** The stores whose connections a node speaks for. */
const spokenFor = new WeakMap<Node, Parts[]>();

/**
 * Has this node end what it holds of a user when it is asked to, and the index does not know: a Redis that was emptied, or a
 * failover that has lost the last writes, leaves connections of sessions that nobody finds by their user.
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

/** Resolves to how many connections were closed. */
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
        // A login enters the index before its session is stored: what is not entered, its user cannot end.
        if ((await index.mark(userId, sid)) !== undefined) return;
        const stored = await readable(store.read(sid));
        if (!stored || userIdOf(stored.data) !== userId) return;
        // Not announced: each node closes and counts its own.
        await store.remove(sid);
        closed += endings.close(sid, "session_ended");
      },
      LOOKED_AT_ONCE,
    );
  }
  return closed;
}
