import type { Node } from "../bus/node/node.ts";
import type { SessionConnections } from "../connections/session-connections.ts";

/**
 * Has connections follow what other nodes do to their sessions, and those nodes know that they are to be asked for them
 * as long as nothing registers them. Undone by the returned function.
 */
export function joinNodes(node: Node, sessions: SessionConnections, isUnlisted: () => boolean): () => void {
  const isListed = node.unlisted.add(isUnlisted);
  const letGo = node.onGap(() => void sessions.revalidateAll());
  // So that the first handshake does not wait for it; if it fails, that one tries again.
  node
    .join()
    .then(() => node.unlisted.renew(node.leaseMs))
    .catch(() => {});
  return () => {
    isListed();
    letGo();
  };
}
