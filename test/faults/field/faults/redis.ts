import { setTimeout as delay } from "node:timers/promises";
import type { RedisServer } from "../../../support/redis-server.ts";
import { ANEW, BACK, type Fault, HEALS_WITHIN_MS, repeated } from "../fault.ts";
import type { World } from "../world.ts";

const one = ({ servers }: World): RedisServer => servers[0] as RedisServer;

/** All commands of a backend. */
const COMMANDS: readonly string[] = [
  ...[
    "client",
    "del",
    "eval",
    "evalsha",
    "exists",
    "expire",
    "get",
    "getdel",
    "hdel",
    "hget",
    "hmget",
    "hset",
  ],
  ...["pttl", "publish", "sadd", "set", "sismember", "smembers", "srem", "subscribe", "unsubscribe"],
  ...["zrange", "zrangebyscore", "zrem", "zscore"],
];

/** What a Redis alone may do. */
export const FAULTS_OF_REDIS: readonly Fault[] = [
  {
    name: "nothing",
    on: { redis: "single" },
    promise: "nothing lost, all right",
    withinMs: 2_000,
    run: () => delay(5_000),
  },
  {
    name: "Redis restarted, and empty",
    on: { redis: "single" },
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => one(world).restart(),
  },
  {
    name: "Redis stopped for 60 s, and empty",
    on: { redis: "single" },
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await one(world).kill();
      await delay(60_000);
      await one(world).restart();
    },
  },
  {
    name: "Redis frozen for 20 s",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      one(world).pause();
      await delay(20_000);
      one(world).resume();
    },
  },
  {
    name: "Redis restarted with a dump that is 4 s old",
    on: { redis: "single" },
    promise: "later changes undone, all else right",
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await world.command("SAVE");
      await delay(4_000);
      await one(world).restart();
      world.ledger.undoneAt = Date.now();
    },
  },
  {
    name: "FLUSHALL under load",
    on: { redis: "single" },
    promise: ANEW,
    withinMs: HEALS_WITHIN_MS + 30_000,
    run: (world) => world.command("FLUSHALL"),
  },
  {
    name: "SCRIPT FLUSH ten times a second",
    on: { redis: "single" },
    promise: BACK,
    withinMs: 2_000,
    run: (world) => repeated(5_000, 100, () => world.command("SCRIPT", "FLUSH")),
  },
  {
    name: "lines for commands killed five times a second",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(5_000, 200, () => world.command("CLIENT", "KILL", "TYPE", "normal")),
  },
  {
    name: "lines for pub/sub killed five times a second",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) => repeated(5_000, 200, () => world.command("CLIENT", "KILL", "TYPE", "pubsub")),
  },
  {
    name: "lines of both kinds killed five times a second, RESP 2",
    on: { redis: "single", env: { RESP: "2" } },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    run: (world) =>
      repeated(5_000, 200, async () => {
        await world.command("CLIENT", "KILL", "TYPE", "normal");
        await world.command("CLIENT", "KILL", "TYPE", "pubsub");
      }),
  },
  {
    name: "Redis with its memory full for 5 s",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      await world.command("CONFIG", "SET", "maxmemory", "1");
      await delay(5_000);
      await world.command("CONFIG", "SET", "maxmemory", "0");
    },
  },
  {
    name: "no right to one command after the other, each for 1 s",
    on: { redis: "single" },
    promise: BACK,
    withinMs: HEALS_WITHIN_MS,
    async run(world) {
      for (const command of COMMANDS) {
        await world.command("ACL", "SETUSER", "default", `-${command}`);
        await delay(1_000);
        await world.command("ACL", "SETUSER", "default", "+@all");
      }
    },
  },
  ...["publish", "evalsha", "sismember", "subscribe", "getdel"].map(
    (command): Fault => ({
      name: `no right to ${command.toUpperCase()} for 5 s`,
      on: { redis: "single" },
      promise: BACK,
      withinMs: HEALS_WITHIN_MS,
      async run(world) {
        await world.command("ACL", "SETUSER", "default", `-${command}`);
        await delay(5_000);
        await world.command("ACL", "SETUSER", "default", "+@all");
      },
    }),
  ),
];
