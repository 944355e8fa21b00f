import { createClient } from "redis";
import { type NodeProcess, startNodeProcess } from "../../support/node-process.ts";
import type { SeededRandom } from "../../support/random.ts";
import { uniquePrefix } from "../../support/redis-client.ts";
import { startRedisCluster } from "../../support/redis-cluster.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { Device } from "./device.ts";
import { Ledger } from "./ledger.ts";

export type Kind = "single" | "cluster";

/** A node, and whether the proxy before the nodes sends requests to it. */
export interface FieldNode extends NodeProcess {
  isOut: boolean;
}

/** An app in the field: nodes as processes, a Redis of its own, and users on devices. */
export interface World {
  readonly kind: Kind;
  readonly servers: readonly RedisServer[];
  readonly nodes: FieldNode[];
  readonly devices: readonly Device[];
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  /** The addresses of the nodes that take requests. */
  urls(): string[];
  startNode(): Promise<FieldNode>;
  /** Sends a command to each server. */
  command(...args: string[]): Promise<void>;
  close(): Promise<void>;
}

const NODES = 3;
const USERS = 12;
/** How long a node is waited for that has died. */
export const LEASE_MS = 3_000;

export async function startWorld(kind: Kind, random: SeededRandom): Promise<World> {
  const cluster = kind === "cluster" ? await startRedisCluster() : undefined;
  const servers = cluster?.servers ?? [await startRedisServer()];
  const env = {
    URLS: servers.map(({ url }) => url).join(","),
    PREFIX: uniquePrefix("field"),
    LEASE_MS: `${LEASE_MS}`,
  };
  const startNode = async () => ({
    ...(await startNodeProcess("test/faults/field/node-main.ts", env)),
    isOut: false,
  });
  const nodes: FieldNode[] = await Promise.all(Array.from({ length: NODES }, startNode));
  const urls = () => nodes.filter(({ isOut }) => !isOut).map(({ url }) => url);
  const ledger = new Ledger();
  const devices = Array.from({ length: USERS }, (_, n) => new Device(`u${n}`, urls, ledger));
  for (const device of devices) await device.logIn();
  return {
    kind,
    servers,
    nodes,
    devices,
    ledger,
    random,
    urls,
    startNode,
    async command(...args) {
      for (const { url } of servers) {
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
      await (cluster ? cluster.stop() : servers[0]?.stop());
    },
  };
}
