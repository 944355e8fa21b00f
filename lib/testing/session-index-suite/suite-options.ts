import type { SessionIndex } from "../../users/session-index/session-index.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** Options of {@link describeSessionIndex}. */
export interface SessionIndexSuiteOptions extends SuiteOptions {
  /** Makes an empty index for one test. */
  create(): SessionIndex | Promise<SessionIndex>;
}

export type RuleDeclarer = Rules<SessionIndex>;

export function ruleDeclarer(runner: TestRunner, { create }: SessionIndexSuiteOptions): RuleDeclarer {
  return rulesOf(runner, async (test) => test(await create()));
}
