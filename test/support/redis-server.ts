import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endWithThisProcess } from "./end-with-this-process.ts";
import { redisServerBinary } from "./redis-binary.ts";
import { within } from "./within.ts";

export interface RedisServerOptions {
  /** Further arguments, such as `["--cluster-enabled", "yes"]`, or a function of the port that returns them. */
  args?: string[] | ((port: number) => string[]);
  /** Another redis-server, or a valkey-server. @default the redis-server on the PATH */
  binary?: string;
}

export interface RedisServer {
  url: string;
  port: number;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
  /** Freezes the process: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends the process as a crash does. */
  kill(): Promise<void>;
  /** Ends the process if it runs, and starts an empty one on the same port. */
  restart(): Promise<void>;
}

const startLimitMs = 10_000;
const retryMs = 50;

/** Starts a separate redis-server, which keeps nothing on disk and never outlives this process. */
export async function startRedisServer({
  args = [],
  binary = redisServerBinary(),
}: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "session-stack-redis-"));

  function launchOn(port: number): Promise<ChildProcess> {
    const fixed = [
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--dir",
      folder,
      "--save",
      "",
      "--appendonly",
      "no",
    ];
    const further = typeof args === "function" ? args(port) : args;
    return launch(binary, [...fixed, ...further], folder);
  }

  let port = 0;
  let child = await untilPortIsFree(() => {
    port = randomPort();
    return launchOn(port);
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop() {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    kill: () => end(child),
    async restart() {
      await end(child);
      child = await untilPortIsFree(() => launchOn(port));
    },
  };
}

/**
 * Outside the range from which systems take ports for outgoing connections: there, a client that reconnects
 * while the server is down can be given the server's own port and connect to itself. A cluster bus adds 10 000.
 */
function randomPort(): number {
  return 10_000 + Math.floor(Math.random() * 10_000);
}

async function untilPortIsFree(start: () => Promise<ChildProcess>): Promise<ChildProcess> {
  const deadline = Date.now() + startLimitMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const portIsTaken = error instanceof Error && /already in use/i.test(error.message);
      if (!portIsTaken || Date.now() >= deadline) throw error;
    }
    await delay(retryMs);
  }
}

async function launch(binary: string, args: string[], folder: string): Promise<ChildProcess> {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  endWithThisProcess(child, folder);
  try {
    await within(readiness(child), startLimitMs, "ready redis-server");
  } catch (error) {
    await end(child);
    throw error;
  }
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
  return child;
}

/** Read from its own log, because an answer to PING could come from another server that won a race for the port. */
function readiness(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        log = (log + text).slice(-4_096);
        if (log.includes("Ready to accept connections")) resolve();
      });
    }
    child.once("error", reject);
    child.once("close", () => reject(new Error(`redis-server ended before it was ready:\n${log}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
