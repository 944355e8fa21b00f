import { spawn } from "node:child_process";
import type { Socket } from "node:net";

const script = `read -r _; kill -9 "$1"; rm -rf "$2"`;

/** A `ChildProcess`, or another process that reports its end. */
interface Ending {
  readonly pid?: number | undefined;
  once(event: "exit", listener: () => void): unknown;
}

/**
 * Ends a child process, even a paused one, and removes its folder once this process is gone, however it went.
 *
 * A shell waits for the end of a pipe that only this process holds open. The event `exit` would not do:
 * it does not come after a SIGKILL, nor on the copy of `process` that jest gives to tests.
 */
export function endWithThisProcess(child: Ending, folder: string): void {
  const watcher = spawn("sh", ["-c", script, "sh", `${child.pid}`, folder], {
    // In a process group of its own: Ctrl-C and a runner that kills a whole group do not reach it.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.unref();
  (watcher.stdin as unknown as Socket).unref();
  // Before the pid can belong to another process.
  child.once("exit", () => watcher.kill("SIGKILL"));
}
