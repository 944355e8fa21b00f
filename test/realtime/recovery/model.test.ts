import { randomInt } from "node:crypto";
import { seededRandom } from "../../support/random.ts";
import { ModelRun } from "./model-run.ts";

const ACTIONS = 120;

/** `npm run test:recovery` runs it: it takes minutes to find what is rare. */
const RUNS = Number(process.env.RUNS ?? 0);

/** `SEED=… RUNS=1` repeats the run that failed, as far as the machine does. */
const firstSeed = Number(process.env.SEED ?? randomInt(2 ** 31));

describe.each([{ place: "memory" }, { place: "Redis" }])("kept messages on $place", ({ place }) => {
  const isWanted = RUNS > 0 ? test : test.skip;
  isWanted.each(Array.from({ length: RUNS || 1 }, (_, n) => firstSeed + n))(
    "reach each client of two nodes as the model says, with seed %i",
    async (seed) => {
      const run = new ModelRun(seededRandom(seed));
      try {
        await run.run(place, ACTIONS);
      } catch (cause) {
        const { message } = cause as Error;
        throw new Error(`SEED=${seed} RUNS=1: ${message}\n${run.trace}`, { cause });
      }
    },
    60_000,
  );
});
