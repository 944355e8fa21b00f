import { createCluster } from "redis";
import { eventually } from "./eventually.ts";
import { connectRedis, type RedisClient } from "./redis-client.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { untilReplicated } from "./until-replicated.ts";

export type RedisClusterClient = ReturnType<typeof createCluster>;

type ClusterClientOptions = Pick<
  Parameters<typeof createCluster>[0],
  "commandOptions" | "defaults" | "keyPrefix" | "RESP"
>;

export interface RedisClusterOptions {
  /** Replicas of each master. @default 0 */
  replicas?: number;
  /** Milliseconds after which a server that is silent is taken for failed. @default 15_000 */
  nodeTimeoutMs?: number;
}

export interface RedisCluster {
  /** The masters, which share the slots in this order. */
  servers: readonly RedisServer[];
  /** A client of each master alone. */
  masters: readonly RedisClient[];
  /** The replicas, in the order of their masters. */
  replicas: readonly RedisServer[];
  /** Connects a node-redis cluster client; the test closes it. */
  connect(options?: ClusterClientOptions): Promise<RedisClusterClient>;
  /** Resolves once all masters agree that the cluster is up. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

const slots = 16_384;
const readyLimitMs = 20_000;

/** Starts a Redis Cluster of three masters. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  // Servers that stand still on a busy machine must not consider each other failed.
  const { replicas: replicasOfEach = 0, nodeTimeoutMs = 15_000 } = options;
  const start = () => startClusterServer(nodeTimeoutMs);
  const servers = await Promise.all([0, 1, 2].map(start));
  const replicas = await Promise.all(Array.from({ length: servers.length * replicasOfEach }, start));
  const masters = await Promise.all(servers.map(({ url }) => connectRedis(url)));

  await Promise.all(
    masters.map((master, at) => {
      const from = Math.ceil((slots * at) / masters.length);
      const end = Math.ceil((slots * (at + 1)) / masters.length) - 1;
      return master.sendCommand(["CLUSTER", "ADDSLOTSRANGE", `${from}`, `${end}`]);
    }),
  );
  for (const { port } of [...servers.slice(1), ...replicas]) {
    await masters[0]?.sendCommand(["CLUSTER", "MEET", "127.0.0.1", `${port}`]);
  }
  await ready();
  for (const [at, replica] of replicas.entries())
    await follow(replica, masters[Math.floor(at / replicasOfEach)] as RedisClient);

  async function ready(): Promise<void> {
    const known = servers.length + replicas.length;
    await eventually(
      async () => {
        for (const master of masters) {
          const info = String(await master.sendCommand(["CLUSTER", "INFO"]));
          // The state is also ok before a node knows the slots of the others.
          for (const sign of [
            "cluster_state:ok",
            `cluster_slots_ok:${slots}`,
            `cluster_known_nodes:${known}`,
          ]) {
            if (!info.includes(sign)) throw new Error(`No ${sign} in\n${info}`);
          }
        }
      },
      { withinMs: readyLimitMs },
    );
  }

  return {
    servers,
    masters,
    replicas,
    ready,
    async connect(options = {}) {
      const rootNodes = servers.map(({ url }) => ({ url }));
      const cluster: RedisClusterClient = createCluster({ ...options, rootNodes });
      // Without a listener, a server that goes away on purpose would end the test process.
      cluster.on("error", () => {});
      await cluster.connect();
      return cluster;
    },
    async stop() {
      for (const master of masters) master.destroy();
      await Promise.all([...servers, ...replicas].map((server) => server.stop()));
    },
  };
}

/** Makes a server a replica, and resolves once it has all that its master has. */
async function follow(replica: RedisServer, master: RedisClient): Promise<void> {
  const client = await connectRedis(replica.url);
  try {
    const id = String(await master.sendCommand(["CLUSTER", "MYID"]));
    await eventually(() => client.sendCommand(["CLUSTER", "REPLICATE", id]), { withinMs: readyLimitMs });
    await untilReplicated(replica);
  } finally {
    client.destroy();
  }
}

/** Starts a server that is of no cluster yet. */
export function startClusterServer(nodeTimeoutMs: number): Promise<RedisServer> {
  const settings = { enabled: "yes", "node-timeout": `${nodeTimeoutMs}`, "require-full-coverage": "no" };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--cluster-${name}`, value]);
  return startRedisServer({ args });
}
