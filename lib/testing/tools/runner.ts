import { isOptionsObject } from "../../options/options-object.ts";
import { aFunction, type Rule, type Rules, required } from "../../options/rule.ts";

/** The `it` of a test runner: declares one test. */
export interface TestDeclarer {
  (title: string, body: () => Promise<void>): unknown;
  /** Declares a test that is not run. */
  skip(title: string, body: () => Promise<void>): unknown;
}

/**
 * The part of a test runner that the suites need. node:test, vitest, jest and mocha have it.
 *
 * Some tests take seconds, because they wait until something expires. A runner with a limit should allow 15 s for each
 * test.
 */
export interface TestRunner {
  /** Groups the tests that `body` declares under a name. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test. */
  readonly it: TestDeclarer;
}

/** The options that all suites have. */
export interface SuiteOptions {
  /** The functions that declare tests, as in node:test's `{ describe, it }`. @default the globals of these names */
  runner?: TestRunner;
}

/** The rules of the options that all suites have. The type of `create` differs between suites. */
export const SUITE_RULES: Rules<SuiteOptions & { create: unknown }> = {
  create: required(aFunction),
  runner: {
    expected: 'an object with "describe" and "it", as { describe, it } of node:test',
    isRight: isRunner,
  },
};

/** The rule of the option `deviations`, from the names of a suite's deviations. */
export function deviationsRule<Deviation extends string>(names: Record<Deviation, true>): Rule {
  const reason: Rule = { expected: "the reason, in words", isRight: (value) => typeof value === "string" };
  return {
    expected: "an object, as { rule: reason }",
    isRight: isOptionsObject,
    inside: Object.fromEntries(Object.keys(names).map((name) => [name, reason])),
  };
}

/** The runner of a suite. The globals are read on each call: a runner may make them after this module is loaded. */
export function runnerOf(suite: string, { runner }: SuiteOptions): TestRunner {
  const given = runner ?? (globalThis as Partial<TestRunner>);
  if (!isRunner(given))
    throw new TypeError(`${suite}: there are no global "describe" and "it"; pass "runner: { describe, it }"`);
  const { describe, it } = given;
  return { describe, it };
}

/** Accepts functions too: the default export of node:test is one. */
function isRunner(value: unknown): value is TestRunner {
  const { describe, it } = Object(value) as Partial<TestRunner>;
  return typeof describe === "function" && typeof it === "function";
}
