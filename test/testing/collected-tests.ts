import type { TestRunner } from "../../lib/testing/tools/runner.ts";

/** The tests that a suite declares, by their titles. A skipped test is `undefined`. */
export function collectedTests(
  declare: (runner: TestRunner) => void,
): Map<string, (() => Promise<void>) | undefined> {
  const tests = new Map<string, (() => Promise<void>) | undefined>();
  declare({
    describe: (_, body) => body(),
    it: Object.assign((title: string, body: () => Promise<void>) => void tests.set(title, body), {
      skip: (title: string) => void tests.set(title, undefined),
    }),
  });
  return tests;
}
