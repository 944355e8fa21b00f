import { join } from "node:path";
import { startNodeProcess } from "../support/node-process.ts";

/** What a well-behaved client has seen since it was last asked. */
export interface WitnessFigures {
  /** Requests and messages that were answered, or not. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** What was not answered, or not rightly. */
  readonly failures: readonly string[];
}

export interface Witness {
  look(): Promise<WitnessFigures>;
  stop(): Promise<void>;
}

/** Starts a well-behaved client of a node, in a process of its own: what attackers cost themselves is not counted. */
export async function startWitness(nodeUrl: string): Promise<Witness> {
  const { url, kill } = await startNodeProcess(join(__dirname, "witness-main.ts"), { NODE_URL: nodeUrl });
  return {
    look: async () => (await (await fetch(url)).json()) as WitnessFigures,
    stop: kill,
  };
}
