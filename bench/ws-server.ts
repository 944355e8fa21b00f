/**
 * One measured server, as a process of its own: `ws-server.ts <name> <redis url>`.
 * Reports its port, then does what it is told, and ends with its parent.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { profileSince, startProfile } from "./profile.ts";
import { countRedisWrites, redisWrites } from "./redis-writes.ts";
import { peers } from "./ws-peers.ts";
import type { Command, Cpu, Memory, WsServerName } from "./ws-protocol.ts";

const [name, redisUrl] = process.argv.slice(2) as [WsServerName, string];
const server = createServer((_req, res) => res.writeHead(404).end());
const { broadcast, join, slowConsumers } = await peers[name](server, redisUrl);
server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 });
await once(server, "listening");

function cpu(): Cpu {
  const { user, system } = process.cpuUsage();
  return { userMs: user / 1000, systemMs: system / 1000 };
}

/** What is left once everything is collected that can be; some needs a turn, or a second pass, to become so. */
async function memory(): Promise<Memory> {
  if (!globalThis.gc) throw new Error("started without --expose-gc");
  for (let pass = 0; pass < 5; pass++) {
    globalThis.gc();
    await turn();
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed };
}

async function answer(message: Command): Promise<unknown> {
  switch (message.command) {
    case "cpu":
      return cpu();
    case "memory":
      return memory();
    case "slowConsumers":
      return slowConsumers?.() ?? 0;
    case "join":
      await join?.(message.userIds);
      return true;
    case "countRedisWrites":
      return countRedisWrites(Number(new URL(redisUrl).port));
    case "redisWrites":
      return redisWrites();
    case "profile":
      return startProfile();
    case "profiled":
      return profileSince(message.file);
    case "broadcast":
      for (const text of message.texts) broadcast?.(text);
      return undefined;
  }
}

process.on("disconnect", () => process.exit());
process.on("message", async (message: Command) => {
  const answered = await answer(message);
  if (answered !== undefined) process.send?.(answered);
});
process.send?.((server.address() as AddressInfo).port);
