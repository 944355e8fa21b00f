import type { Node } from "../bus/node/node.ts";
import type { SessionConnections } from "../connections/session-connections.ts";

/**
 * Joins the other nodes, so that connections end when another node ends their sessions. While nothing registers the
 * connections, the others know that this node must be asked for them. The returned function undoes both.
 */
export function joinNodes(node: Node, sessions: SessionConnections, isUnlisted: () => boolean): () => void {
  const isListed = node.unlisted.add(isUnlisted);
  const letGo = node.onGap(() => void sessions.revalidateAll());
  // Joining starts here so that the first handshake does not wait for it. If it fails, that handshake tries again.
  node
    .join()
    .then(() => node.unlisted.renew(node.leaseMs))
    .catch(() => {});
  return () => {
    isListed();
    letGo();
  };
}
