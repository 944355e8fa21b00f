import { eventually } from "./eventually.ts";
import { connectRedis } from "./redis-client.ts";
import type { RedisServer } from "./redis-server.ts";

/** Resolves when a replica has all data of its master. */
export async function untilReplicated(replica: RedisServer): Promise<void> {
  const client = await connectRedis(replica.url);
  try {
    await eventually(
      async () => {
        const info = String(await client.sendCommand(["INFO", "replication"]));
        if (!info.includes("master_link_status:up")) throw new Error(`No link in\n${info}`);
      },
      { withinMs: 20_000 },
    );
  } finally {
    client.destroy();
  }
}
