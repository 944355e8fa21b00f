import { isOptionsObject } from "../../options/options-object.ts";
import { aFunction, type Rule, type Rules, required } from "../../options/rule.ts";

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

/** The rules of the options that all suites have; `create` is each suite's own. */
export const SUITE_RULES: Rules<SuiteOptions & { create: unknown }> = {
  create: required(aFunction),
  runner: {
    expected: 'an object with "describe" and "it", as { describe, it } of node:test',
    isRight: isRunner,
  },
};

/** The rule of a suite's deviations, by their names. */
export function deviationsRule<Deviation extends string>(names: Record<Deviation, true>): Rule {
  const reason: Rule = { expected: "the reason, in words", isRight: (value) => typeof value === "string" };
  return {
    expected: "an object, as { rule: reason }",
    isRight: isOptionsObject,
    inside: Object.fromEntries(Object.keys(names).map((name) => [name, reason])),
  };
}

/** The runner of a suite. The globals are looked up now: a runner may have made them after this module was loaded. */
export function runnerOf(suite: string, { runner }: SuiteOptions): TestRunner {
  const given = runner ?? (globalThis as Partial<TestRunner>);
  if (!isRunner(given))
    throw new TypeError(`${suite}: there are no global "describe" and "it"; pass "runner: { describe, it }"`);
  const { describe, it } = given;
  return { describe, it };
}

/** The default export of node:test is a function. */
function isRunner(value: unknown): value is TestRunner {
  const { describe, it } = Object(value) as Partial<TestRunner>;
  return typeof describe === "function" && typeof it === "function";
}
