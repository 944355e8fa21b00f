/** The result of ending a user's sessions. */
export interface DeletionReceipt {
  /** Sessions that existed and that this call deleted. */
  readonly sessionsDeleted: number;
  /**
   * Connections that this call closed, on all nodes that answered. A node may check a session by itself at just that
   * moment and find it gone. It then closes the session's connections, and they are not counted here.
   */
  readonly connectionsClosed: number;
  /**
   * Ids of living nodes that did not answer in `ackTimeoutMs`. They close their connections when they resume, or at
   * their next revalidation.
   */
  readonly silentNodes: readonly string[];
}

/** Counts the results while sessions are being ended. */
export class DeletionTally {
  sessionsDeleted = 0;
  connectionsClosed = 0;
  readonly silentNodes: Set<string> = new Set();

  /** Returns a receipt of everything that was counted since an earlier receipt. */
  receipt(since?: DeletionReceipt): DeletionReceipt {
    return {
      sessionsDeleted: this.sessionsDeleted - (since?.sessionsDeleted ?? 0),
      connectionsClosed: this.connectionsClosed - (since?.connectionsClosed ?? 0),
      silentNodes: [...this.silentNodes],
    };
  }
}

/** Adds up two receipts. */
export function sumOf(a: DeletionReceipt, b: DeletionReceipt): DeletionReceipt {
  return {
    sessionsDeleted: a.sessionsDeleted + b.sessionsDeleted,
    connectionsClosed: a.connectionsClosed + b.connectionsClosed,
    silentNodes: [...new Set([...a.silentNodes, ...b.silentNodes])],
  };
}
