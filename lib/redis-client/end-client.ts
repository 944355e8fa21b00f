/** A client of this package beside the app's. All members are node-redis's. */
export interface OwnClient {
  on(event: string, listener: () => void): unknown;
  destroy(): unknown;
}

/** Events which tell that a connecting client has a socket, or failed to get one. */
const CONNECTING_EVENTS = ["connect", "node-connect", "ready", "node-ready", "topology-change", "error"];

/** Ends a client. This includes a client that is still connecting, which it might otherwise do for ever. */
export function endClient(client: OwnClient, isConnected: boolean): void {
  if (isConnected) {
    void destroyed(client);
    return;
  }
  // node-redis does not end a socket that it still waits for. So the client is ended once the socket is there or has
  // failed.
  for (const event of CONNECTING_EVENTS) client.on(event, () => void destroyed(client));
}

async function destroyed(client: OwnClient): Promise<void> {
  try {
    // A sentinel's `destroy` returns a promise.
    await client.destroy();
  } catch {
    // The client had ended by itself.
  }
}
