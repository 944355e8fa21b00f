import type { TestRunner } from "./runner.ts";

type Test<Subject> = (subject: Subject) => Promise<void>;

/** Declares the tests of a suite. Each test has its own subject, such as an empty store. */
export interface Rules<Subject, Deviation extends string = never> {
  (title: string, test: Test<Subject>): void;
  /** Declares a rule that an implementation may deviate from. The title of the skipped test then names the reason. */
  deviable(deviation: Deviation, title: string, test: Test<Subject>): void;
}

/** Makes the function that declares a suite's tests. `run` makes a subject, runs the test on it, and tidies up. */
export function rulesOf<Subject, Deviation extends string = never>(
  { it }: TestRunner,
  run: (test: Test<Subject>) => Promise<void>,
  deviations: Partial<Record<Deviation, string>> = {},
): Rules<Subject, Deviation> {
  function rule(title: string, test: Test<Subject>): void {
    it(title, () => run(test));
  }

  function deviable(deviation: Deviation, title: string, test: Test<Subject>): void {
    const reason = deviations[deviation];
    if (reason === undefined) rule(title, test);
    else it.skip(`${title} (not here: ${reason})`, async () => {});
  }

  return Object.assign(rule, { deviable });
}
