import { serverProcess } from "./server-process.ts";

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
  const { port, ask, stop } = await serverProcess("./http-server.ts", [name, redisUrl]);
  return { url: `http://127.0.0.1:${port}`, figures: () => ask<ServerFigures>("figures"), stop };
}
