import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithThisProcess } from "./end-with-this-process.ts";
import { within } from "./within.ts";

/** A node in a process of its own, which never outlives this one. */
export interface NodeProcess {
  url: string;
  /** Its id among the nodes. */
  id: string;
  /** All that it has printed so far. */
  output(): string;
  /** Freezes the process: its lines stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends the process as a crash does, also if it is paused or has ended already. */
  kill(): Promise<void>;
}

const startLimitMs = 60_000;

/** Starts a TypeScript file, which says on stdout that it listens: `{"url":…,"id":…}` on one line. */
export async function startNodeProcess(file: string, env: Record<string, string>): Promise<NodeProcess> {
  // One process, so no signal can miss it. The command `tsx` would start another one.
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child, await mkdtemp(join(tmpdir(), "session-stack-node-")));
  const exit = once(child, "exit");

  let log = "";
  const listening = new Promise<{ url: string; id: string }>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        log += text;
        const line = /^\{.*\}$/m.exec(log)?.[0];
        if (line) resolve(JSON.parse(line));
      });
    }
    child.once("close", () => reject(new Error(`${file} ended before it listened:\n${log}`)));
  });

  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await exit;
    // A child of the node, such as tsx's compiler, may hold these pipes open for a while.
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }

  try {
    const { url, id } = await within(listening, startLimitMs, `word from ${file}`);
    return {
      url,
      id,
      output: () => log,
      pause: () => void child.kill("SIGSTOP"),
      resume: () => void child.kill("SIGCONT"),
      kill,
    };
  } catch (error) {
    await kill();
    throw error;
  }
}
