import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { within } from "../support/within.ts";

export interface ExampleProcess {
  url: string;
  /** Sends a signal, waits for the end, and returns how the process ended. It may have ended before. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const startLimitMs = 20_000;
const stopLimitMs = 8_000;
const portLimitMs = 10_000;
const retryMs = 50;

export interface ExampleEnv {
  REDIS_URL?: string | undefined;
  REDIS_PREFIX?: string;
  PORT?: string;
  WRONG_PASSWORDS_PER_MINUTE?: string;
}

/** The backends of the example. Each use has its own keys. */
export const backends: readonly { name: string; env: () => ExampleEnv }[] = [
  { name: "memory", env: () => ({}) },
  { name: "Redis", env: () => ({ REDIS_URL: process.env.REDIS_URL, REDIS_PREFIX: `${randomUUID()}:` }) },
];

/** Starts the example, by default on a free port and without a limit of wrong passwords. */
export async function startExample(env: ExampleEnv = {}): Promise<ExampleProcess> {
  const deadline = Date.now() + portLimitMs;
  for (;;) {
    try {
      return await launch(env);
    } catch (error) {
      // The port of an ended example may briefly belong to an outgoing connection.
      const portIsTaken = env.PORT !== undefined && String(error).includes("EADDRINUSE");
      if (!portIsTaken || Date.now() >= deadline) throw error;
    }
    await delay(retryMs);
  }
}

async function launch(env: ExampleEnv): Promise<ExampleProcess> {
  const inherited = { ...process.env };
  delete inherited.REDIS_URL;
  delete inherited.REDIS_PREFIX;
  const defaults: ExampleEnv = { PORT: "0", WRONG_PASSWORDS_PER_MINUTE: "1000" };
  // One process, so no signal can miss it. The command `tsx` would start another one.
  const child = spawn(process.execPath, ["--import", "tsx", "example/server.ts"], {
    env: { ...inherited, ...defaults, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child, await mkdtemp(join(tmpdir(), "session-stack-example-")));
  const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;

  let log = "";
  const address = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        log += text;
        const found = /^express-session-stack example: (http:\S+)$/m.exec(log)?.[1];
        if (found) resolve(found);
      });
    }
    child.once("close", () => reject(new Error(`The example ended before it listened:\n${log}`)));
  });

  async function stop(signal: NodeJS.Signals = "SIGTERM") {
    child.kill(signal);
    try {
      const [code, endedBy] = await within(exit, stopLimitMs, "end of the example");
      return { code, signal: endedBy };
    } catch (cause) {
      child.kill("SIGKILL");
      throw new Error(`The example does not stop:\n${log}`, { cause });
    }
  }

  try {
    return { url: await within(address, startLimitMs, "address of the example"), stop };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
