import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import type { RealtimeAppOptions } from "./realtime-app.ts";
import type { RealtimeControl } from "./realtime-control.ts";
import { remoteControl } from "./realtime-control.ts";
import { openLine, type RealtimeLine } from "./realtime-line.ts";
import { Device } from "./users-device.ts";

export interface RealtimeNodeOptions
  extends Pick<RealtimeAppOptions, "graceMs" | "maxBufferedBytes" | "ackTimeoutMs"> {
  redisUrl: string;
  /** The Redis on which it subscribes. @default redisUrl */
  subscriberUrl?: string;
  /** The Redis with its sessions, if it is another one. */
  sessionsUrl?: string;
  prefix?: string;
  leaseMs?: number;
  timeoutMs?: number;
}

/** A node of the realtime app in a separate process. */
export interface RealtimeNode extends NodeProcess {
  control: RealtimeControl;
}

export async function startRealtimeNode({
  redisUrl,
  subscriberUrl = redisUrl,
  sessionsUrl = "",
  prefix = "",
  leaseMs = 1500,
  timeoutMs = 2000,
  ...options
}: RealtimeNodeOptions): Promise<RealtimeNode> {
  const node = await startNodeProcess("test/integration/realtime-node-main.ts", {
    REDIS_URL: redisUrl,
    SUBSCRIBER_URL: subscriberUrl,
    SESSIONS_URL: sessionsUrl,
    PREFIX: prefix,
    LEASE_MS: `${leaseMs}`,
    TIMEOUT_MS: `${timeoutMs}`,
    REALTIME_OPTIONS: JSON.stringify(options),
  });
  return { ...node, control: remoteControl(node.url) };
}

/** Users on their devices, each with one session on all nodes. */
export class Users {
  readonly #nodes: readonly { url: string }[];
  readonly #devices = new Map<string, Promise<Device>>();
  readonly #lines: RealtimeLine[] = [];

  constructor(nodes: readonly { url: string }[]) {
    this.#nodes = nodes;
  }

  /** Connects a user. The first call also logs the user in, on the first node. */
  async connect(user: string, node: number): Promise<RealtimeLine> {
    const { line } = await openLine(await this.device(user), node);
    this.#lines.push(line);
    return line;
  }

  /** The browser of a user, logged in. */
  device(user: string): Promise<Device> {
    const known = this.#devices.get(user);
    if (known) return known;
    const device = new Device(this.#nodes);
    const logged = device.logIn(0, user).then(() => device);
    this.#devices.set(user, logged);
    return logged;
  }

  async close(): Promise<void> {
    for (const { ws } of this.#lines) ws.terminate();
    for (const device of await Promise.allSettled(this.#devices.values())) {
      if (device.status === "fulfilled") device.value.close();
    }
  }
}
