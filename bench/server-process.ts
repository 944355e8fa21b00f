import { spawn } from "node:child_process";
import { once } from "node:events";
import { pinned } from "./cores.ts";

/** A server in a process of its own, with the first core to itself. It ends with its parent. */
export interface ServerProcess {
  port: number;
  /** Sends a message and gives its answer. One at a time: answers do not say what they answer. */
  ask<Answer>(message: object | string): Promise<Answer>;
  /** Sends a message that has no answer. */
  tell(message: object): void;
  stop(): Promise<void>;
}

export async function serverProcess(
  file: string,
  args: string[],
  nodeOptions: string[] = [],
): Promise<ServerProcess> {
  const path = new URL(file, import.meta.url).pathname;
  const node: [string, ...string[]] = [process.execPath, ...nodeOptions, "--import", "tsx", path, ...args];
  const [command, ...rest] = pinned(0, node);
  const child = spawn(command, rest, {
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const answer = async <T>(): Promise<T> => {
    const ended = exited.then(([code]) => Promise.reject(new Error(`${file} ${args[0]} ended with ${code}`)));
    const [message] = await Promise.race([once(child, "message"), ended]);
    return message as T;
  };
  return {
    port: await answer<number>(),
    ask: <T>(message: object | string) => {
      child.send(message);
      return answer<T>();
    },
    tell: (message) => {
      child.send(message);
    },
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}
