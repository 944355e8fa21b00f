import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSentinel, type RedisSentinelOptions } from "redis";
import { endWithThisProcess } from "./end-with-this-process.ts";
import { redisServerBinary } from "./redis-binary.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { untilReplicated } from "./until-replicated.ts";
import { within } from "./within.ts";

export type RedisSentinelClient = Awaited<ReturnType<typeof connectTo>>;

export interface RedisSentinelSetup {
  /** Replicas of the master. @default 0 */
  replicas?: number;
  /** Milliseconds after which a master that is silent is taken for failed. @default 30_000 */
  downAfterMs?: number;
}

export interface RedisSentinel {
  /** The master at the start. */
  master: RedisServer;
  replicas: readonly RedisServer[];
  /** The port of the sentinel. */
  port: number;
  /** Connects a node-redis sentinel client; the test closes it. */
  connect(options?: SentinelClientOptions): Promise<RedisSentinelClient>;
  stop(): Promise<void>;
}

type SentinelClientOptions = Pick<
  RedisSentinelOptions,
  "nodeClientOptions" | "commandOptions" | "keyPrefix" | "RESP"
>;

const startLimitMs = 10_000;
const attempts = 5;

/** Starts one master and one sentinel that watches it. */
export async function startRedisSentinel(setup: RedisSentinelSetup = {}): Promise<RedisSentinel> {
  const { replicas: count = 0, downAfterMs = 30_000 } = setup;
  const master = await startRedisServer();
  const follow = { args: ["--replicaof", "127.0.0.1", `${master.port}`] };
  const replicas = await Promise.all(Array.from({ length: count }, () => startRedisServer(follow)));
  const folder = await mkdtemp(join(tmpdir(), "session-stack-sentinel-"));

  async function launch(attempt = 1): Promise<{ child: ChildProcess; port: number }> {
    // Between the ports of the servers with their cluster buses and those of outgoing connections.
    const port = 30_000 + Math.floor(Math.random() * 2_700);
    const file = join(folder, "sentinel.conf");
    const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`];
    const watch = [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds main ${downAfterMs}`,
      `sentinel failover-timeout main ${2 * downAfterMs}`,
    ];
    await writeFile(file, [...lines, ...watch, ""].join("\n"));
    const child = spawn(redisServerBinary(), [file, "--sentinel"], { stdio: ["ignore", "pipe", "ignore"] });
    endWithThisProcess(child, folder);
    try {
      await within(watching(child), startLimitMs, "ready sentinel");
    } catch (error) {
      await end(child);
      if (attempt === attempts) throw error;
      return launch(attempt + 1);
    }
    child.unref();
    (child.stdout as Socket).unref();
    return { child, port };
  }

  await Promise.all(replicas.map(untilReplicated));
  const { child, port } = await launch().catch(async (error: unknown) => {
    await Promise.all([master, ...replicas].map((server) => server.stop()));
    throw error;
  });

  return {
    master,
    replicas,
    port,
    connect: (options) => connectTo(port, options),
    async stop() {
      await end(child);
      await Promise.all([master, ...replicas].map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Read from its log: a client that connects before it listens can get the same port and talk to itself. */
function watching(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stdout?.on("data", (text: Buffer) => {
      log = (log + text).slice(-4_096);
      if (log.includes("+monitor master")) resolve();
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`The sentinel ended before it was ready:\n${log}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

async function connectTo(port: number, options: SentinelClientOptions = {}) {
  const sentinel = createSentinel({
    ...options,
    name: "main",
    sentinelRootNodes: [{ host: "127.0.0.1", port }],
  });
  // Without a listener, a server that goes away on purpose would end the test process.
  sentinel.on("error", () => {});
  await sentinel.connect();
  return sentinel;
}
