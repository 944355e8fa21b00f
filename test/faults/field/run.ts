/**
 * Runs the faults of the table against nodes as processes and a real Redis, and judges what every client has seen:
 * `npm run test:faults -- [--only <part of a name>]… [--rounds <number>] [--seed <number>]`.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { inParallel } from "../../../bench/in-parallel.ts";
import type { Fault } from "./fault.ts";
import { FAULTS } from "./table.ts";
import { attempt, type Trial } from "./trial.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [""] },
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
  },
});
const AT_A_TIME = 2;
const COLUMNS = [
  "fault",
  "promise",
  "requests",
  "refused",
  "hung",
  "messages",
  "lost",
  "wrong",
  "right after (s)",
];

const isChosen = ({ name }: Fault) => options.only.some((part) => name.includes(part));

/** What could not be tried has not held. */
const notTried =
  ({ name }: Fault) =>
  (error: unknown): Trial => ({
    isKept: false,
    cells: [name],
    wrong: [`could not be tried: ${String(error)}`],
  });

let areKept = true;
const rounds = Array.from({ length: Number(options.rounds) }, (_, round) => Number(options.seed) + round);
const tries = rounds.flatMap((seed) => FAULTS.filter(isChosen).map((fault) => ({ fault, seed })));
const done: Trial[] = [];
let printed = 0;

/** In the order of the table, whichever ends first. */
function printDone(): void {
  for (let trial = done[printed]; trial; trial = done[++printed]) {
    const { cells, wrong, isKept } = trial;
    areKept &&= isKept;
    console.log(`| ${cells.join(" | ")} |`);
    for (const each of wrong.slice(0, 10)) console.error(`${cells[0]}: ${each}`);
  }
}

console.log(`| ${COLUMNS.join(" | ")} |\n| ${COLUMNS.map(() => "---").join(" | ")} |`);
// Most of the time they wait: two at a time leave a processor for each.
await inParallel(AT_A_TIME, tries.entries(), async ([at, { fault, seed }]) => {
  done[at] = await attempt(fault, seed).catch(notTried(fault));
  printDone();
});
console.log(`seed ${options.seed}`);
process.exit(areKept ? 0 : 1);
