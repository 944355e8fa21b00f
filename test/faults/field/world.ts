import { createClient } from "redis";
import { type NodeProcess, startNodeProcess } from "../../support/node-process.ts";
import type { SeededRandom } from "../../support/random.ts";
import { uniquePrefix } from "../../support/redis-client.ts";
import { startRedisCluster } from "../../support/redis-cluster.ts";
import { startRedisSentinel } from "../../support/redis-sentinel.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { Device } from "./device.ts";
import { Ledger } from "./ledger.ts";

/** The servers and options of an app in the field. */
export interface Setting {
  readonly redis: "single" | "cluster" | "cluster with replicas" | "sentinel";
  /** Whether each node reaches its Redis through a proxy. */
  readonly isProxied?: boolean;
  /** The options of nodes beside their Redis. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A node, and whether it receives requests. */
export interface FieldNode extends NodeProcess {
  isOut: boolean;
  /** The proxy to its Redis, if there is one. */
  readonly proxy: TcpProxy | undefined;
}

/** An app in the field: nodes as processes, a separate Redis, and users on devices. */
export interface World {
  readonly servers: readonly RedisServer[];
  /** The replicas, in the order of their masters. */
  readonly replicas: readonly RedisServer[];
  /** The address of the sentinel, if there is one. */
  readonly sentinelPort: number | undefined;
  readonly nodes: FieldNode[];
  readonly devices: readonly Device[];
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  /** The addresses of the nodes that take requests. */
  urls(): string[];
  startNode(env?: Record<string, string>): Promise<FieldNode>;
  /** Sends a command to each server. */
  command(...args: string[]): Promise<void>;
  close(): Promise<void>;
}

const NODES = 3;
const USERS = 12;
/** The longest wait for a dead node. */
export const LEASE_MS = 3_000;

/** Milliseconds after which a silent server counts as failed. */
export const DOWN_AFTER_MS = 2_000;

interface Redis {
  readonly servers: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];
  readonly port?: number;
  stop(): Promise<unknown>;
}

async function startRedis({ redis }: Setting): Promise<Redis> {
  if (redis === "cluster") return startRedisCluster();
  if (redis === "cluster with replicas")
    return startRedisCluster({ replicas: 2, nodeTimeoutMs: DOWN_AFTER_MS });
  if (redis === "sentinel") {
    const sentinel = await startRedisSentinel({ replicas: 2, downAfterMs: DOWN_AFTER_MS });
    return { ...sentinel, servers: [sentinel.master] };
  }
  const server = await startRedisServer();
  return { servers: [server], replicas: [], stop: () => server.stop() };
}

export async function startWorld(setting: Setting, random: SeededRandom): Promise<World> {
  const redis = await startRedis(setting);
  const { servers, replicas, port: sentinelPort } = redis;
  const prefix = uniquePrefix("field");
  const startNode = async (extra: Record<string, string> = {}) => {
    const proxy = setting.isProxied ? await startTcpProxy(servers[0]?.url as string) : undefined;
    const env = {
      URLS: proxy ? `redis://127.0.0.1:${proxy.port}` : servers.map(({ url }) => url).join(","),
      SENTINEL_PORT: String(sentinelPort ?? ""),
      PREFIX: prefix,
      LEASE_MS: `${LEASE_MS}`,
      ...setting.env,
      ...extra,
    };
    const node = await startNodeProcess("test/faults/field/node-main.ts", env);
    const kill = async () => {
      await node.kill();
      await proxy?.close();
    };
    return { ...node, kill, proxy, isOut: false };
  };
  const nodes: FieldNode[] = await Promise.all(Array.from({ length: NODES }, () => startNode()));
  const urls = () => nodes.filter(({ isOut }) => !isOut).map(({ url }) => url);
  const ledger = new Ledger();
  const devices = Array.from({ length: USERS }, (_, n) => new Device(`u${n}`, urls, ledger));
  for (const device of devices) await device.logIn();
  return {
    servers,
    replicas,
    sentinelPort,
    nodes,
    devices,
    ledger,
    random,
    urls,
    startNode,
    async command(...args) {
      for (const { url } of [...servers, ...replicas]) {
        // Of its own: the line that is used for it may be cut by it.
        const client = createClient({ url, socket: { reconnectStrategy: false } });
        client.on("error", () => {});
        try {
          await client.connect();
          await client.sendCommand(args);
        } catch {
          // It is down, or has cut this line as well.
        } finally {
          if (client.isOpen) client.destroy();
        }
      }
    },
    async close() {
      for (const device of devices) device.close();
      await Promise.all(nodes.map((node) => node.kill()));
      await redis.stop();
    },
  };
}
