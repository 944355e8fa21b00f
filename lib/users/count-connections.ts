import type { Bounds } from "../calls/bounds.ts";
import { chunks } from "../calls/in-batches.ts";
import type { SessionConfig } from "../middleware/session-options.ts";
import { COUNT_CONNECTIONS } from "../sessions/ending-relay.ts";
import { digestOf } from "../sessions/session-digest.ts";
import { AskedNodes } from "./asked-nodes.ts";

/** Sessions in one question to the nodes about connections. */
const COUNTED_AT_ONCE = 500;

/**
 * Counts the open connections of each of a user's sessions on all nodes that answer. Asks the nodes on which the
 * registry has connections of the user, and the nodes that hold connections which the registry lacks.
 */
export async function countConnections(
  { node, backend, bounds }: SessionConfig,
  userId: string,
  sids: readonly string[],
  { asking, ackTimeoutMs }: { asking: Bounds; ackTimeoutMs: number },
): Promise<number[]> {
  if (sids.length === 0) return [];
  const [[registered = []], unlisted] = await bounds.call(() =>
    Promise.all([backend.registry.nodesOf([userId]), node.unlisted.all()]),
  );
  // This node always takes part: it knows its own connections without the registry.
  const nodes = new AskedNodes(node, asking, ackTimeoutMs, { among: [node.id, ...registered, ...unlisted] });
  const counts: number[] = [];
  for (const some of chunks(sids, COUNTED_AT_ONCE)) {
    const answers = (await nodes.ask(COUNT_CONNECTIONS, some.map(digestOf))) as number[][];
    for (const at of some.keys()) counts.push(answers.reduce((sum, answer) => sum + (answer[at] ?? 0), 0));
  }
  return counts;
}
