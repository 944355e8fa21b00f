import type { Node } from "../bus/node.ts";
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
  endings.onEnding(({ sid, reason }) => {
    node
      .tell(END_SESSIONS, { sessions: [digestOf(sid)], reason, at: Date.now() } satisfies EndedSessions)
      .catch(() => {});
  });
}

function answerFor(node: Node): Set<SessionEndings> {
  const all = new Set<SessionEndings>();
  relayed.set(node, all);
  node.answer(END_SESSIONS, (payload) => {
    const { sessions, reason, at } = payload as EndedSessions;
    return sum(sessions.map((digest) => ofHolders(digest, (endings, sid) => endings.close(sid, reason, at))));
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
