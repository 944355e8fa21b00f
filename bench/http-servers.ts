import { spawn } from "node:child_process";
import { once } from "node:events";
import { pinned } from "./cores.ts";

export const serverNames = ["express", "express-session", "express-session-stack"] as const;
export type ServerName = (typeof serverNames)[number];

/** What a server knows best of itself, since it began. */
export interface ServerFigures {
  requests: number;
  cpuMs: number;
}

export interface MeasuredServer {
  url: string;
  figures(): Promise<ServerFigures>;
  stop(): Promise<void>;
}

export async function measuredServer(name: ServerName, redisUrl: string): Promise<MeasuredServer> {
  const file = new URL("./http-server.ts", import.meta.url).pathname;
  const [command, ...args] = pinned(0, [process.execPath, "--import", "tsx", file, name, redisUrl]);
  const child = spawn(command, args, {
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const answer = async <T>(): Promise<T> => {
    const ended = exited.then(([code]) => Promise.reject(new Error(`the server ${name} ended with ${code}`)));
    const [message] = await Promise.race([once(child, "message"), ended]);
    return message as T;
  };
  const port = await answer<number>();
  return {
    url: `http://127.0.0.1:${port}`,
    figures: () => {
      child.send("figures");
      return answer<ServerFigures>();
    },
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}
