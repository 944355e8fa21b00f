import type { Backend, RealtimeOptions } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RealtimeApp, type RealtimeAppOptions, startRealtimeApp } from "./realtime-app.ts";
import { Users } from "./realtime-nodes.ts";

export interface PairOptions
  extends RealtimeOptions,
    Pick<RealtimeAppOptions, "store" | "timeoutMs" | "ackTimeoutMs"> {
  leaseMs?: number;
  /** Connects a client of each node. @default one of the Redis of the whole run */
  connect?: () => Promise<PairClient>;
  /** Wraps the backend of each node. */
  adapt?: (backend: Backend) => Backend;
}

type PairClient = Parameters<typeof redisBackend>[0]["client"] & { destroy(): unknown };

/** Two nodes in this process with separate clients, and their users. */
export interface Pair {
  nodes: readonly [RealtimeApp, RealtimeApp];
  users: Users;
  prefix: string;
  /** A client that reads the stored data. */
  redis: RedisClient;
  /** The online and offline events of both nodes, in order. */
  presence: readonly { event: "online" | "offline"; userId: string }[];
  close(): Promise<void>;
}

export async function startPair({
  leaseMs = 10_000,
  connect = connectRedis,
  adapt = (backend) => backend,
  ...options
}: PairOptions = {}): Promise<Pair> {
  const prefix = uniquePrefix("pair");
  const clients = await Promise.all([connect(), connect()]);
  const redis = await connectRedis();
  const presence: Pair["presence"][number][] = [];
  const start = async (client: PairClient): Promise<RealtimeApp> => {
    const backend = adapt(redisBackend({ client, prefix, leaseMs }));
    const node = await startRealtimeApp({ backend, ...options });
    for (const event of ["online", "offline"] as const) {
      node.chat.on(event, (userId) => void presence.push({ event, userId }));
    }
    return node;
  };
  const [first, second] = clients;
  const nodes = [await start(first), await start(second)] as const;
  const users = new Users(nodes);
  return {
    nodes,
    users,
    prefix,
    redis,
    presence,
    async close() {
      await users.close();
      for (const node of nodes) {
        await node.close();
        await node.backend.close();
      }
      for (const client of [...clients, redis]) client.destroy();
    },
  };
}
