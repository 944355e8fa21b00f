import { setTimeout as delay } from "node:timers/promises";
import type { RedisClient } from "./redis-client.ts";

/** Redis's own time, in milliseconds. */
export async function redisNow(redis: RedisClient): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

/** The end of the lease of a node that no longer renews it, by Redis's time. It is within `leaseMs`. */
export async function leaseEnd(
  redis: RedisClient,
  { id, prefix = "", leaseMs }: { id: string; prefix?: string; leaseMs: number },
): Promise<number> {
  const end = Number(await redis.zScore(`${prefix}session-stack:nodes`, id));
  expect(end - (await redisNow(redis))).toBeLessThanOrEqual(leaseMs);
  return end;
}

export async function untilRedisHas(redis: RedisClient, ms: number): Promise<void> {
  while ((await redisNow(redis)) <= ms) await delay(20);
}
