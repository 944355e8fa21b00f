import { randomInt } from "node:crypto";
import type { Fault } from "./field/fault.ts";
import { FAULTS } from "./field/table.ts";
import { attempt } from "./field/trial.ts";

/** A few faults of the table. `npm run test:faults` runs all of them. */
const SOME = ["lines for pub/sub killed five times a second", "a node stopped for longer than its lease"];

test.each(SOME)(
  "%s: all guarantees hold, and everything recovers",
  async (name) => {
    const fault = FAULTS.find((each) => each.name === name) as Fault;
    const seed = randomInt(2 ** 31);
    const { wrong, isKept, cells } = await attempt(fault, seed);
    expect({ seed, wrong, isKept, cells }).toEqual({ seed, wrong: [], isKept: true, cells });
  },
  180_000,
);
