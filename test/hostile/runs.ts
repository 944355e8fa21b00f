import { randomInt } from "node:crypto";
import fc, { type Arbitrary } from "fast-check";

/** How many cases a test takes: `RUNS=10000` takes more. */
export const RUNS = Number(process.env.RUNS ?? 100);
/** `SEED=… RUNS=1` repeats the case that failed. */
const FIRST_SEED = Number(process.env.SEED ?? randomInt(2 ** 31));

/** Milliseconds that a test of so many cases may take. */
export const LIMIT_MS: number = 60_000 + RUNS * 100;

/** The value that an arbitrary has for a seed. */
function valueFor<T>(arbitrary: Arbitrary<T>, seed: number): T {
  return fc.sample(arbitrary, { seed, numRuns: 1 })[0] as T;
}

/**
 * Runs a check on as many values as there are runs, some at a time. If one fails, fast-check then finds the smallest
 * failing value.
 */
export async function forAll<T>(
  arbitrary: Arbitrary<T>,
  check: (value: T) => Promise<void>,
  { atOnce = 32, runs = RUNS } = {},
): Promise<void> {
  let next = 0;
  let failed: { readonly seed: number; readonly error: unknown } | undefined;
  const runner = async () => {
    while (next < runs && !failed) {
      const seed = FIRST_SEED + next++;
      await check(valueFor(arbitrary, seed)).catch((error: unknown) => {
        failed ??= { seed, error };
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, runs) }, runner));
  if (!failed) return;
  const { seed, error } = failed;
  console.error(`SEED=${seed} RUNS=1 repeats it: ${error}`);
  await fc.assert(fc.asyncProperty(arbitrary, check), {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: 20_000,
    markInterruptAsFailure: true,
  });
  // The case does not fail alone. It failed among many at the same time.
  throw error;
}

/** Runs a step this many times, in waves. The next wave begins when the previous one has ended. */
export async function inWaves(
  count: number,
  atOnce: number,
  step: (at: number) => Promise<void>,
): Promise<void> {
  for (let begin = 0; begin < count; begin += atOnce) {
    const length = Math.min(atOnce, count - begin);
    await Promise.all(Array.from({ length }, (_, index) => step(begin + index)));
  }
}
