import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Express } from "express";
import type { Realtime, RealtimeStats, WebSocketSessions, WebSocketStats } from "../../lib/index.ts";

/** The errors that the node has reported: of handshakes and sessions, of handlers, and uncaught ones. */
export interface Reports {
  readonly errors: readonly string[];
  readonly failures: readonly string[];
  readonly unhandled: readonly string[];
}

/** The memory and handles of the node after a garbage collection. */
export interface NodeFigures {
  readonly connections: number;
  readonly webSocket: WebSocketStats;
  readonly realtime: RealtimeStats;
  readonly heapBytes: number;
  /** Of buffers, which no heap has. */
  readonly bufferBytes: number;
  readonly residentBytes: number;
  /** The most that it has ever been. */
  readonly peakBytes: number;
  readonly openFiles: number;
  /** The properties that all objects have. Additional ones would show a changed prototype. */
  readonly inherited: number;
  readonly told: Reports;
}

interface Parts {
  readonly wsSessions: WebSocketSessions;
  readonly chat: Realtime;
  readonly told: Reports;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Adds the route by which a test asks for the figures. */
export function tellFigures(app: Express, { wsSessions, chat, told }: Parts): void {
  app.get("/figures", async (_req, res) => {
    // Twice, because finalizers of the first collection free more.
    for (let round = 0; round < 2; round++) {
      collectGarbage();
      await delay(20);
    }
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    const figures: NodeFigures = {
      connections: wsSessions.connections.size,
      webSocket: wsSessions.stats(),
      realtime: chat.stats(),
      heapBytes: heapUsed,
      bufferBytes: Math.max(external, arrayBuffers),
      residentBytes: rss,
      peakBytes: process.resourceUsage().maxRSS * 1024,
      openFiles: readdirSync("/proc/self/fd").length,
      inherited: Object.getOwnPropertyNames(Object.prototype).length,
      told,
    };
    res.json(figures);
  });
}
