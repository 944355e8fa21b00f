/**
 * Runs the faults of the table against nodes as processes and a real Redis, and judges what every client has seen:
 * `npm run test:faults -- [--only <part of a name>]… [--rounds <number>] [--seed <number>]`.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
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
console.log(`| ${COLUMNS.join(" | ")} |\n| ${COLUMNS.map(() => "---").join(" | ")} |`);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const fault of FAULTS.filter(isChosen)) {
    const { cells, wrong, isKept } = await attempt(fault, Number(options.seed) + round).catch(
      notTried(fault),
    );
    areKept &&= isKept;
    console.log(`| ${cells.join(" | ")} |`);
    for (const each of wrong.slice(0, 10)) console.error(`${fault.name}: ${each}`);
  }
}
console.log(`seed ${options.seed}`);
process.exit(areKept ? 0 : 1);
