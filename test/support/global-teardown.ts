import type {} from "./global-setup.ts";

// biome-ignore lint/style/noDefaultExport: jest asks for it
export default async function globalTeardown(): Promise<void> {
  if (globalThis.sharedRedisServer === undefined) return;
  await globalThis.sharedRedisServer.stop();
  globalThis.sharedRedisServer = undefined;
  // In watch mode the next run starts its own.
  delete process.env.REDIS_URL;
}
