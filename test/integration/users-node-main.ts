import { createClient } from "redis";
import { redisBackend } from "../../lib/redis.ts";
import { startUsersApp } from "./users-app.ts";

/** A node as a process: options come as environment variables, its address goes to stdout. */
const { REDIS_URL = "", SUBSCRIBER_URL = REDIS_URL, PREFIX = "" } = process.env;
const {
  LEASE_MS = "1500",
  REVALIDATE_MS = "30000",
  ACK_TIMEOUT_MS = "1000",
  MAX_AGE_MS = "600000",
} = process.env;

// So that a test need not wait for seconds after each fault.
const socket = { reconnectStrategy: 50 };
const client = createClient({ url: REDIS_URL, socket });
client.on("error", () => {});
await client.connect();
// What the bus subscribes with has a line of its own, so that a test can cut this one alone.
client.duplicate = (() => createClient({ url: SUBSCRIBER_URL, socket })) as typeof client.duplicate;

const backend = redisBackend({ client, prefix: PREFIX, leaseMs: Number(LEASE_MS) });
const { url } = await startUsersApp({
  backend,
  maxAgeMs: Number(MAX_AGE_MS),
  revalidateMs: Number(REVALIDATE_MS),
  ackTimeoutMs: Number(ACK_TIMEOUT_MS),
});
// A node that is named in a receipt has joined: else the first test would find it missing.
await backend.node.join();
console.log(JSON.stringify({ url, id: backend.node.id }));
