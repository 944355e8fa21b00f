import { join } from "node:path";
import { startNodeProcess } from "../support/node-process.ts";

/** The observations of a well-behaved client since the last read. */
export interface WitnessFigures {
  /** The number of requests and messages. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The missing and the wrong answers. */
  readonly failures: readonly string[];
}

export interface Witness {
  look(): Promise<WitnessFigures>;
  stop(): Promise<void>;
}

/** Starts a well-behaved client of a node in a separate process, so the attackers' own work does not count. */
export async function startWitness(nodeUrl: string): Promise<Witness> {
  const { url, kill } = await startNodeProcess(join(__dirname, "witness-main.ts"), { NODE_URL: nodeUrl });
  return {
    look: async () => (await (await fetch(url)).json()) as WitnessFigures,
    stop: kill,
  };
}
