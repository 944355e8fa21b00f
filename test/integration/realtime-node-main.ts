import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { redisBackend } from "../../lib/redis.ts";
import { startRealtimeApp } from "./realtime-app.ts";

/** A node as a process: options come as environment variables, its address goes to stdout. */
const { REDIS_URL = "", SUBSCRIBER_URL = REDIS_URL, PREFIX = "", LEASE_MS = "1500" } = process.env;
const { TIMEOUT_MS = "2000", REALTIME_OPTIONS = "{}", SESSIONS_URL } = process.env;

// So that a test need not wait for seconds after each fault.
const socket = { reconnectStrategy: 50 };
const client = createClient({ url: REDIS_URL, socket });
client.on("error", () => {});
await client.connect();
// What the bus subscribes with has a line of its own, so that a test can cut this one alone.
client.duplicate = (() => createClient({ url: SUBSCRIBER_URL, socket })) as typeof client.duplicate;

const backend = redisBackend({ client, prefix: PREFIX, leaseMs: Number(LEASE_MS) });
const { url } = await startRealtimeApp({
  backend,
  ...(SESSIONS_URL ? { store: await sessionsAt(SESSIONS_URL) } : {}),
  timeoutMs: Number(TIMEOUT_MS),
  ...JSON.parse(REALTIME_OPTIONS),
});
console.log(JSON.stringify({ url, id: backend.node.id }));

/** Sessions that live where a test does no harm. */
async function sessionsAt(sessionsUrl: string): Promise<RedisStore> {
  const sessionsClient = createClient({ url: sessionsUrl });
  await sessionsClient.connect();
  return new RedisStore({ client: sessionsClient, prefix: `${PREFIX}sess:` });
}
