/** How long the node waits for a request, so that no line is waited for longer than a test has time; Node's own are minutes. */
export const NODE_LIMITS_MS = {
  headersTimeout: 2_000,
  requestTimeout: 3_000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 5_000,
} as const;
