/** Declares one test, or with `skip` one that is not run: the `it` of a test runner. */
export interface TestDeclarer {
  (title: string, body: () => Promise<void>): unknown;
  /** Declares a test that is not run. */
  skip(title: string, body: () => Promise<void>): unknown;
}

/**
 * The part of a test runner that the suites need: node:test, vitest, jest and mocha have it.
 *
 * Some tests take seconds, since what expires must be seen to expire: a runner with a limit should allow 15 s for each.
 */
export interface TestRunner {
  /** Puts the tests that `body` declares under a name. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test. */
  readonly it: TestDeclarer;
}

/** What all suites can be told. */
export interface SuiteOptions {
  /** What declares the tests, such as node:test's `{ describe, it }`. @default the globals `describe` and `it` */
  runner?: TestRunner;
}

/** The runner of a suite. The globals are looked up now: a runner may have made them after this module was loaded. */
export function runnerOf(suite: string, { runner }: SuiteOptions): TestRunner {
  const { describe, it } = runner ?? (globalThis as Partial<TestRunner>);
  if (typeof describe === "function" && typeof it === "function") return { describe, it };
  const problem = runner ? 'option "runner" has no' : "there are no global";
  throw new TypeError(`${suite}: ${problem} "describe" and "it"; pass "runner: { describe, it }"`);
}
