/**
 * Runs the faults of the table against nodes as processes and a real Redis, and judges what every client has seen:
 * `npm run test:faults -- [--only <part of a name>] [--rounds <number>] [--seed <number>]`.
 */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { seededRandom } from "../../support/random.ts";
import { judge } from "./judge.ts";
import { Load } from "./load.ts";
import { untilRight } from "./recovery.ts";
import { FAULTS, type Fault } from "./table.ts";
import { startWorld } from "./world.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
  },
});
const COLUMNS = [
  "fault",
  "promise",
  "requests",
  "refused",
  "hung",
  "messages",
  "lost",
  "wrong",
  "right after",
];

interface Row {
  readonly cells: string[];
  readonly isKept: boolean;
}

async function run(fault: Fault, seed: number): Promise<Row> {
  const world = await startWorld(fault.kind, seededRandom(seed));
  try {
    const load = new Load(world);
    await delay(4_000);
    await fault.run(world);
    await delay(1_000);
    await load.quiet();
    const rightMs = await untilRight(world);
    await load.stop();
    const { wrong, lost, delivered } = judge(world.devices, world.ledger);
    const all = [
      ...wrong,
      ...load.letIn.map((user) => `${user} was let in with a cookie that had been ended`),
    ];
    for (const each of all.slice(0, 10)) console.error(`${fault.name}, seed ${seed}: ${each}`);
    const { requests, statuses, hung } = world.ledger;
    const isKept = all.length === 0 && rightMs !== undefined && rightMs <= fault.withinMs;
    const right = rightMs === undefined ? "not in 60 s" : `${(rightMs / 1000).toFixed(1)} s`;
    return {
      isKept,
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

let areKept = true;
console.log(`| ${COLUMNS.join(" | ")} |\n| ${COLUMNS.map(() => "---").join(" | ")} |`);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const fault of FAULTS.filter(({ name }) => name.includes(options.only))) {
    const { cells, isKept } = await run(fault, Number(options.seed) + round);
    areKept &&= isKept;
    console.log(`| ${cells.join(" | ")} |`);
  }
}
console.log(`seed ${options.seed}`);
process.exit(areKept ? 0 : 1);
