import { memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { closedAfterThisTest, type Served, type ServeOptions, serve, sharedRedis } from "../users/support.ts";

/** Two apps that share their sessions, in one process or as two nodes. */
export const pairs: {
  place: string;
  open: (options?: Omit<ServeOptions, "backend">) => Promise<readonly [Served, Served]>;
}[] = [
  {
    place: "memory",
    open: async (options) => {
      const backend = closedAfterThisTest(memoryBackend());
      return [await serve({ backend, ...options }), await serve({ backend, ...options })];
    },
  },
  {
    place: "Redis",
    open: async (options) => {
      const client = await sharedRedis();
      const prefix = uniquePrefix("guests");
      const node = async () => {
        const backend = closedAfterThisTest(redisBackend({ client, prefix }));
        await backend.node.join();
        return serve({ backend, ...options });
      };
      return [await node(), await node()];
    },
  },
];
