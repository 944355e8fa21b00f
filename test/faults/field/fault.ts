import { setTimeout as delay } from "node:timers/promises";
import type { Setting, World } from "./world.ts";

/** A fault, and what is promised. */
export interface Fault {
  readonly name: string;
  readonly on: Setting;
  /** What holds beside the guarantees, which hold always. */
  readonly promise: string;
  /** Milliseconds after its end in which all is right again. */
  readonly withinMs: number;
  run(world: World): Promise<void>;
}

export const BACK = "all right";
export const ANEW = "new logins, all right";

/** Time in which a bus finds out that it is deaf and hears again, with some for a machine that has other things to do. */
export const HEALS_WITHIN_MS = 20_000;

export async function repeated(forMs: number, everyMs: number, step: () => Promise<void>): Promise<void> {
  const until = Date.now() + forMs;
  while (Date.now() < until) {
    await step();
    await delay(everyMs);
  }
}
