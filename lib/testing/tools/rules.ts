import type { TestRunner } from "./runner.ts";

type Test<Subject> = (subject: Subject) => Promise<void>;

/** Declares tests that each have a subject of their own: what the suite is about, with nothing in it. */
export interface Rules<Subject, Deviation extends string = never> {
  (title: string, test: Test<Subject>): void;
  /** A rule that an implementation may deviate from; the reason then stands in the title of the skipped test. */
  deviable(deviation: Deviation, title: string, test: Test<Subject>): void;
}

/** What declares the tests of a suite. `run` makes a subject, lets the test attack it, and tidies up. */
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
