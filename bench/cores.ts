import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

// With one core there is nothing to divide; taskset is Linux's.
const canPin = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** The command line that runs `command` on one core only, where the machine allows it. */
export function pinned(core: number, command: [string, ...string[]]): [string, ...string[]] {
  return canPin ? ["taskset", "-c", String(core), ...command] : command;
}

/** Keeps this process, its threads and what it starts from here on on one core. */
export function pinSelf(core: number): void {
  if (canPin) execFileSync("taskset", ["-a", "-c", "-p", String(core), String(process.pid)]);
}
