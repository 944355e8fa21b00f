import { installChromium } from "./chromium.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

declare global {
  /** Handed from the global setup to the global teardown; undefined when REDIS_URL was given. */
  var sharedRedisServer: RedisServer | undefined;
}

/** Starts one Redis for the whole run, unless REDIS_URL names one, and sees to it that there is Chromium. */
// biome-ignore lint/style/noDefaultExport: jest asks for it
export default async function globalSetup(): Promise<void> {
  installChromium();
  if (process.env.REDIS_URL) return;
  globalThis.sharedRedisServer = await startRedisServer();
  process.env.REDIS_URL = globalThis.sharedRedisServer.url;
}
