/** What came of ending a user's sessions. */
export interface DeletionReceipt {
  /** Sessions that were there and are gone by this call. */
  readonly sessionsDeleted: number;
  /**
   * On all nodes that answered. A node that has looked at a session by itself in just that moment, and found it gone, has
   * closed its connections uncounted.
   */
  readonly connectionsClosed: number;
  /** Ids of nodes that live and did not answer in `ackTimeoutMs`: they close their connections when they go on, or with their next revalidation. */
  readonly silentNodes: readonly string[];
}

/** What has come of it so far. */
export class DeletionTally {
  sessionsDeleted = 0;
  connectionsClosed = 0;
  readonly silentNodes: Set<string> = new Set();

  /** A receipt of what has come since another count. */
  receipt(since?: DeletionReceipt): DeletionReceipt {
    return {
      sessionsDeleted: this.sessionsDeleted - (since?.sessionsDeleted ?? 0),
      connectionsClosed: this.connectionsClosed - (since?.connectionsClosed ?? 0),
      silentNodes: [...this.silentNodes],
    };
  }
}

/** Two receipts in one. */
export function sumOf(a: DeletionReceipt, b: DeletionReceipt): DeletionReceipt {
  return {
    sessionsDeleted: a.sessionsDeleted + b.sessionsDeleted,
    connectionsClosed: a.connectionsClosed + b.connectionsClosed,
    silentNodes: [...new Set([...a.silentNodes, ...b.silentNodes])],
  };
}
