/** A client of our own beside the app's. All members are node-redis's. */
export interface OwnClient {
  on(event: string, listener: () => void): unknown;
  destroy(): unknown;
}

/** What tells that a client that connects has a socket, or has failed to get one. */
const CONNECTING_EVENTS = ["connect", "node-connect", "ready", "node-ready", "topology-change", "error"];

/** Ends a client, also one that still connects, which it may do for ever. */
export function endClient(client: OwnClient, isConnected: boolean): void {
  if (isConnected) {
    void destroyed(client);
    return;
  }
  // node-redis ends no socket that it still waits for: it is ended once it is there, or has failed.
  for (const event of CONNECTING_EVENTS) client.on(event, () => void destroyed(client));
}

async function destroyed(client: OwnClient): Promise<void> {
  try {
    // That of a sentinel is a promise.
    await client.destroy();
  } catch {
    // It had ended by itself.
  }
}
