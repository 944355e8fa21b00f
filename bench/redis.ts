import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** A Redis of the benchmark's own, from the PATH, that keeps nothing on disk. */
export interface OwnRedis {
  port: number;
  version: string;
  /** `database` gives each measured server keys of its own, and tells its commands apart in MONITOR. */
  url(database: number): string;
  stop(): Promise<void>;
}

export async function ownRedis(): Promise<OwnRedis> {
  const port = await freePort();
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(child, "spawn");
  const exited = once(child, "exit");
  // Also when the benchmark ends by an error that nobody handles.
  process.once("exit", () => child.kill());

  let version = "unknown";
  for await (const line of createInterface(child.stdout)) {
    version = /Redis version=([\d.]+)/.exec(line)?.[1] ?? version;
    if (line.includes("Ready to accept connections")) break;
  }
  if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}`);
  child.stdout.resume();

  return {
    port,
    version,
    url: (database) => `redis://127.0.0.1:${port}/${database}`,
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
