import { createCluster } from "redis";
import { eventually } from "./eventually.ts";
import { connectRedis, type RedisClient } from "./redis-client.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

export type RedisClusterClient = ReturnType<typeof createCluster>;

type ClusterClientOptions = Pick<
  Parameters<typeof createCluster>[0],
  "commandOptions" | "defaults" | "keyPrefix" | "RESP"
>;

export interface RedisCluster {
  /** The masters, which share the slots in this order. */
  servers: readonly RedisServer[];
  /** A client of each master alone. */
  masters: readonly RedisClient[];
  /** Connects a node-redis cluster client; the test closes it. */
  connect(options?: ClusterClientOptions): Promise<RedisClusterClient>;
  /** Resolves once all masters agree that the cluster is up. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

const slots = 16_384;
const readyLimitMs = 20_000;

/** Starts a Redis Cluster of three masters without replicas. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const servers = await Promise.all([0, 1, 2].map(() => startNode()));
  const masters = await Promise.all(servers.map(({ url }) => connectRedis(url)));

  await Promise.all(
    masters.map((master, at) => {
      const start = Math.ceil((slots * at) / masters.length);
      const end = Math.ceil((slots * (at + 1)) / masters.length) - 1;
      return master.sendCommand(["CLUSTER", "ADDSLOTSRANGE", `${start}`, `${end}`]);
    }),
  );
  for (const { port } of servers.slice(1)) {
    await masters[0]?.sendCommand(["CLUSTER", "MEET", "127.0.0.1", `${port}`]);
  }
  await ready();

  async function ready(): Promise<void> {
    await eventually(
      async () => {
        for (const master of masters) {
          const info = String(await master.sendCommand(["CLUSTER", "INFO"]));
          // The state alone is ok as well before a node has heard of the slots of the others.
          for (const sign of ["cluster_state:ok", `cluster_slots_ok:${slots}`, "cluster_known_nodes:3"]) {
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
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

function startNode(): Promise<RedisServer> {
  return startRedisServer({
    args: [
      "--cluster-enabled",
      "yes",
      // Servers that stand still on a busy machine are not to take each other for failed.
      "--cluster-node-timeout",
      "15000",
      "--cluster-require-full-coverage",
      "no",
    ],
  });
}
