import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../support/random.ts";
import { ANEW, type Fault } from "./fault.ts";
import { judge } from "./judge.ts";
import { Load } from "./load.ts";
import { untilRight } from "./recovery.ts";
import { startWorld } from "./world.ts";

/** What came of a fault. */
export interface Trial {
  /** As cells of the table in docs/reliability.md. */
  readonly cells: string[];
  /** What was seen that must never be. */
  readonly wrong: readonly string[];
  readonly isKept: boolean;
}

/** Runs a fault once, under load, and judges what was seen. */
export async function attempt(fault: Fault, seed: number): Promise<Trial> {
  const world = await startWorld(fault.on, seededRandom(seed));
  try {
    const load = new Load(world);
    await delay(4_000);
    await fault.run(world);
    await delay(1_000);
    await load.quiet();
    const rightMs = await untilRight(world);
    await load.stop();
    const { wrong, lost, delivered } = judge(world.devices, world.ledger, fault.promise === ANEW);
    const all = [
      ...wrong,
      ...load.letIn.map((user) => `${user} was let in with a cookie that had been ended`),
    ];
    const { requests, statuses, hung } = world.ledger;
    const isKept = all.length === 0 && rightMs !== undefined && rightMs <= fault.withinMs;
    const right = rightMs === undefined ? "not in 60" : (rightMs / 1000).toFixed(1);
    return {
      isKept,
      wrong: all,
      cells: [
        fault.name,
        `${fault.promise} within ${fault.withinMs / 1000} s`,
        ...[requests, requests - (statuses.get(200) ?? 0), hung, delivered, lost, all.length].map(String),
        isKept ? right : `**${right}**`,
      ],
    };
  } finally {
    await world.close();
  }
}
