/** Receives the messages of a channel. It must handle its own errors. */
export type MessageListener = (message: string) => void;

/**
 * How nodes exchange messages, and how they know which nodes are alive.
 *
 * The rules, which the conformance suite attacks:
 * - A message reaches every listener that subscribed before it was published, those of the publisher too.
 *   The messages of one publisher on one channel arrive in order.
 * - A message that is published while a line is down is lost on that line. A listener that depends on messages
 *   uses `onReconnect`, and then reads the current state itself.
 * - A node is alive while it renews its lease. The backend's clock counts. A dead node is gone when its lease
 *   runs out. When all nodes have died, nothing of them is left.
 */
export interface Bus {
  /** Resolves once the message is on its way. */
  publish(channel: string, message: string): Promise<void>;
  /** Resolves once messages arrive. A channel may have several listeners. */
  subscribe(channel: string, listener: MessageListener): Promise<void>;
  /** Resolves once this listener receives nothing more from the channel. A listener that has not subscribed is no error. */
  unsubscribe(channel: string, listener: MessageListener): Promise<void>;
  /** Calls the listener each time a line is up again, before the first message on that line. It may call more than once. */
  onReconnect(listener: () => void): void;
  /**
   * Renews a node's lease for `leaseMs` milliseconds. Resolves to `false` if the backend no longer had the lease. A bus
   * that cannot tell may resolve to anything else.
   */
  renewLease(nodeId: string, leaseMs: number): Promise<unknown>;
  /** Removes a node's lease: the node is gone. */
  dropLease(nodeId: string): Promise<void>;
  /** The ids of all live nodes. */
  liveNodes(): Promise<string[]>;
  /** Closes what the bus has opened itself. */
  close(): Promise<void>;
}
