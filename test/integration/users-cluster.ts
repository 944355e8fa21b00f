import type { WebSocketInbox } from "../support/browser.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { Device } from "./users-device.ts";

export const LEASE_MS = 4000;
export const ACK_TIMEOUT_MS = 2500;

/** With this value a node checks no session by itself during a test. */
export const NO_REVALIDATION_MS = 600_000;

const CLOSED_WITHIN_MS = 20_000;

export interface UsersClusterOptions {
  revalidateMs: number;
  /** Returns the address at which nodes subscribe. @default the server's own address */
  subscriberUrl?: (redis: RedisServer) => Promise<string>;
}

/** Two nodes of the users app as processes on a separate Redis, with users and their devices. */
export class UsersCluster {
  readonly redis: RedisServer;
  readonly nodes: readonly NodeProcess[];
  /** Starts one more node, which the caller must kill. */
  readonly startNode: (revalidateMs: number) => Promise<NodeProcess>;
  #devices: Device[] = [];
  #lastUser = 0;

  static async start({ revalidateMs, subscriberUrl }: UsersClusterOptions): Promise<UsersCluster> {
    const redis = await startRedisServer();
    const subscriber = (await subscriberUrl?.(redis)) ?? redis.url;
    const startNode = (ownRevalidateMs: number): Promise<NodeProcess> =>
      startNodeProcess("test/integration/users-node-main.ts", {
        REDIS_URL: redis.url,
        SUBSCRIBER_URL: subscriber,
        LEASE_MS: `${LEASE_MS}`,
        REVALIDATE_MS: `${ownRevalidateMs}`,
        ACK_TIMEOUT_MS: `${ACK_TIMEOUT_MS}`,
      });
    const nodes = await Promise.all([startNode(revalidateMs), startNode(revalidateMs)]);
    return new UsersCluster(redis, nodes, startNode);
  }

  private constructor(
    redis: RedisServer,
    nodes: readonly NodeProcess[],
    startNode: (revalidateMs: number) => Promise<NodeProcess>,
  ) {
    this.redis = redis;
    this.nodes = nodes;
    this.startNode = startNode;
  }

  newUser(): string {
    return `user ${++this.#lastUser}`;
  }

  newDevice(on: readonly NodeProcess[] = this.nodes): Device {
    const device = new Device(on);
    this.#devices.push(device);
    return device;
  }

  closeDevices(): void {
    for (const device of this.#devices) device.close();
    this.#devices = [];
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.redis.stop();
  }
}

/** Opens five connections of one session on each of these nodes. */
export async function fiveConnections(
  device: Device,
  on: readonly number[] = [0, 1, 0, 1, 0],
): Promise<WebSocketInbox[]> {
  const opened = await Promise.all(on.map((node) => device.connect(node)));
  return opened.map(({ inbox }) => inbox);
}

/** Ends sessions. Returns the milliseconds from the start until the last connection was closed. */
export async function msUntilClosed(
  inboxes: readonly WebSocketInbox[],
  code: number,
  end: () => Promise<unknown>,
): Promise<number> {
  const begun = performance.now();
  const ended = end();
  const closes = await Promise.all(inboxes.map((inbox) => inbox.untilClosed(CLOSED_WITHIN_MS)));
  const took = performance.now() - begun;
  await ended;
  expect(closes.map((close) => close.code)).toEqual(inboxes.map(() => code));
  return took;
}
