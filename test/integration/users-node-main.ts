import { createClient } from "redis";
import { redisBackend } from "../../lib/redis.ts";
import { startUsersApp } from "./users-app.ts";

/** A node as a process. Its options are environment variables, and it prints its address. */
const { REDIS_URL = "", SUBSCRIBER_URL = REDIS_URL, PREFIX = "" } = process.env;
const {
  LEASE_MS = "1500",
  REVALIDATE_MS = "30000",
  ACK_TIMEOUT_MS = "1000",
  MAX_AGE_MS = "600000",
} = process.env;

// Saves tests from a wait of seconds after each fault.
const socket = { reconnectStrategy: 50 };
const client = createClient({ url: REDIS_URL, socket });
client.on("error", () => {});
await client.connect();
// The bus subscribes on a separate line, so a test can cut that line alone.
client.duplicate = (() => createClient({ url: SUBSCRIBER_URL, socket })) as typeof client.duplicate;

const backend = redisBackend({ client, prefix: PREFIX, leaseMs: Number(LEASE_MS) });
const { url } = await startUsersApp({
  backend,
  maxAgeMs: Number(MAX_AGE_MS),
  revalidateMs: Number(REVALIDATE_MS),
  ackTimeoutMs: Number(ACK_TIMEOUT_MS),
});
// The node has joined before it reports its address. Otherwise the first receipt might not name it.
await backend.node.join();
console.log(JSON.stringify({ url, id: backend.node.id }));
