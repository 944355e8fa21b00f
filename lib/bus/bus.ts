/** Hears a message of a channel. What it throws is its own to handle. */
export type MessageListener = (message: string) => void;

/**
 * How nodes talk, and how they know of each other.
 *
 * The rules, which the conformance suite attacks:
 * - A message goes to whoever subscribed before it was published, the publisher too; messages of one
 *   publisher on one channel arrive in order. One that is published while a line is down is lost: whoever
 *   depends on it listens to `onReconnect`, and looks for itself.
 * - A node lives while it renews its lease, by the backend's clock. One that dies is gone when its lease runs
 *   out, and when all have died nothing of them is left.
 */
export interface Bus {
  /** Resolves once the message is on its way. */
  publish(channel: string, message: string): Promise<void>;
  /** Resolves once messages arrive. A channel may have several listeners. */
  subscribe(channel: string, listener: MessageListener): Promise<void>;
  /** Resolves once this listener hears no more of the channel. One that has not subscribed is no error. */
  unsubscribe(channel: string, listener: MessageListener): Promise<void>;
  /** Calls back each time a line that was down is up again, before the first message that comes by it; maybe more than once. */
  onReconnect(listener: () => void): void;
  /** Says that a node lives for so many milliseconds more. Resolves to `false` if nobody knew any more that it lives; a bus that cannot tell may resolve to anything else. */
  renewLease(nodeId: string, leaseMs: number): Promise<unknown>;
  /** Says that a node is gone. */
  dropLease(nodeId: string): Promise<void>;
  /** The ids of all nodes that live. */
  liveNodes(): Promise<string[]>;
  /** Closes what the bus has opened itself. */
  close(): Promise<void>;
}
