/** The times for which the node waits for a request. They fit into a test, while Node's defaults are minutes. */
export const NODE_LIMITS_MS = {
  headersTimeout: 2_000,
  requestTimeout: 3_000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 5_000,
} as const;
