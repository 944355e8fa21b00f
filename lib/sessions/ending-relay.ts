import type { Node } from "../bus/node/node.ts";
import { chunks } from "../calls/in-batches.ts";
import { digestOf } from "./session-digest.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";

/** A message by which nodes tell each other of ended sessions. */
export interface EndedSessions {
  /** The digests of the sessions. */
  readonly sessions: readonly string[];
  readonly reason: EndReason;
  /** When they ended, in milliseconds since the epoch. */
  readonly at?: number;
}

/**
 * Types of messages between nodes that identify sessions by their digests. The first closes the connections of
 * sessions, the second asks how many connections they have.
 */
export const END_SESSIONS = "end_sessions";
export const COUNT_CONNECTIONS = "count_connections";

/** Types of messages about a cleared store, and about sessions that may have ended. */
const CLEARED = "sessions_cleared";
const DOUBTED = "sessions_doubted";

/** Milliseconds before a failed message to the nodes is sent again, and how often it is repeated. */
const TOLD_AGAIN_AFTER_MS = 500;
const TOLD_AGAIN = 5;

/** The most sessions that one message names. */
const TOLD_AT_ONCE = 500;

/** The stores that a node relays endings for, as their `SessionEndings`. */
const relayed = new WeakMap<Node, Set<SessionEndings>>();

/**
 * Tells all nodes of the sessions that this node ends, and handles the endings that they report.
 *
 * The relay does not wait for the messages: revalidation makes up for a lost one. A caller that must know that all
 * nodes were told asks them.
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
    // Sessions that end in one turn share messages, for example when a store is cleared.
    process.nextTick(() => {
      ended.delete(reason);
      for (const some of chunks(sids, TOLD_AT_ONCE)) {
        const message: EndedSessions = { sessions: some.map(digestOf), reason, at };
        node.tell(END_SESSIONS, message).catch(() => {});
      }
    });
  });
}

/**
 * Sends a message again after a failure. The connection that lost an answer may not be up again yet. After the last
 * try, revalidation makes up for the message.
 */
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
