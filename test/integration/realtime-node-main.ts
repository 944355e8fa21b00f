import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { redisBackend } from "../../lib/redis.ts";
import { startRealtimeApp } from "./realtime-app.ts";

/** A node as a process. Its options are environment variables, and it prints its address. */
const { REDIS_URL = "", SUBSCRIBER_URL = REDIS_URL, PREFIX = "", LEASE_MS = "1500" } = process.env;
const { TIMEOUT_MS = "2000", REALTIME_OPTIONS = "{}", SESSIONS_URL } = process.env;

// Saves tests from a wait of seconds after each fault.
const socket = { reconnectStrategy: 50 };
const client = createClient({ url: REDIS_URL, socket });
client.on("error", () => {});
await client.connect();
// The bus subscribes on a separate line, so a test can cut that line alone.
client.duplicate = (() => createClient({ url: SUBSCRIBER_URL, socket })) as typeof client.duplicate;

const backend = redisBackend({ client, prefix: PREFIX, leaseMs: Number(LEASE_MS) });
const { url } = await startRealtimeApp({
  backend,
  ...(SESSIONS_URL ? { store: await sessionsAt(SESSIONS_URL) } : {}),
  timeoutMs: Number(TIMEOUT_MS),
  ...JSON.parse(REALTIME_OPTIONS),
});
console.log(JSON.stringify({ url, id: backend.node.id }));

/** Stores sessions on a Redis that the test does not disturb. */
async function sessionsAt(sessionsUrl: string): Promise<RedisStore> {
  const sessionsClient = createClient({ url: sessionsUrl });
  await sessionsClient.connect();
  return new RedisStore({ client: sessionsClient, prefix: `${PREFIX}sess:` });
}
