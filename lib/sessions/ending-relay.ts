import type { Node } from "../bus/node/node.ts";
import { chunks } from "../calls/in-batches.ts";
import { digestOf } from "./session-digest.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";

/** Sessions that have ended, as nodes tell each other. */
export interface EndedSessions {
  /** Their digests. */
  readonly sessions: readonly string[];
  readonly reason: EndReason;
  /** When they ended, in milliseconds since the epoch. */
  readonly at?: number;
}

/** What nodes tell and ask each other of sessions by their digests: to close the connections of some, and how many some have. */
export const END_SESSIONS = "end_sessions";
export const COUNT_CONNECTIONS = "count_connections";

/** What nodes tell each other when a store was cleared, and of sessions that may have ended. */
const CLEARED = "sessions_cleared";
const DOUBTED = "sessions_doubted";

/** Milliseconds after which the nodes are told once more of what they could not be told of, and how often. */
const TOLD_AGAIN_AFTER_MS = 500;
const TOLD_AGAIN = 5;

/** Sessions that one message tells of at most. */
const TOLD_AT_ONCE = 500;

/** The stores whose sessions a node speaks for. */
const relayed = new WeakMap<Node, Set<SessionEndings>>();

/**
 * Lets all nodes hear of the sessions that this one ends, and this one of theirs.
 *
 * A message that gets lost is made up for by revalidation, so it is not waited for here; whoever must
 * know that all have heard asks.
 */
export function relayEndings(endings: SessionEndings, node: Node): void {
  const all = relayed.get(node) ?? answerFor(node);
  if (all.has(endings)) return;
  all.add(endings);
  endings.onCleared(() => {
    node.tell(CLEARED, null).catch(() => {});
  });
  endings.onDoubt((sid) => tellSurely(node, DOUBTED, digestOf(sid), TOLD_AGAIN));
  const ended = new Map<EndReason, string[]>();
  endings.onEnding(({ sid, reason }) => {
    const sids = ended.get(reason) ?? [];
    if (sids.push(sid) > 1) return;
    ended.set(reason, sids);
    const at = Date.now();
    // Of many that end in one turn, as when a store is cleared, nodes are told at once.
    process.nextTick(() => {
      ended.delete(reason);
      for (const some of chunks(sids, TOLD_AT_ONCE)) {
        const message: EndedSessions = { sessions: some.map(digestOf), reason, at };
        node.tell(END_SESSIONS, message).catch(() => {});
      }
    });
  });
}

/** The line that has lost the answer may not be up again yet. After some tries, revalidation makes up for it. */
function tellSurely(node: Node, type: string, payload: unknown, triesLeft: number): void {
  node.tell(type, payload).catch(() => {
    if (triesLeft > 0)
      setTimeout(() => tellSurely(node, type, payload, triesLeft - 1), TOLD_AGAIN_AFTER_MS).unref();
  });
}

function answerFor(node: Node): Set<SessionEndings> {
  const all = new Set<SessionEndings>();
  relayed.set(node, all);
  node.answer(END_SESSIONS, (payload) => {
    const { sessions, reason, at } = payload as EndedSessions;
    return sum(sessions.map((digest) => ofHolders(digest, (endings, sid) => endings.close(sid, reason, at))));
  });
  node.answer(CLEARED, () => {
    for (const endings of all) void endings.revalidateAll();
  });
  node.answer(DOUBTED, (digest) => {
    ofHolders(String(digest), (endings, sid) => {
      endings.revalidate(sid);
      return 0;
    });
  });
  node.answer(COUNT_CONNECTIONS, (payload) =>
    (payload as readonly string[]).map((digest) => ofHolders(digest, (endings, sid) => endings.count(sid))),
  );

  function ofHolders(digest: string, count: (endings: SessionEndings, sid: string) => number): number {
    return sum(
      [...all].map((endings) => {
        const sid = endings.sidOf(digest);
        return sid === undefined ? 0 : count(endings, sid);
      }),
    );
  }
  return all;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
