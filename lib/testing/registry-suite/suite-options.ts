import type { Registry } from "../../connections/registry.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** Options of {@link describeRegistry}. */
export interface RegistrySuiteOptions extends SuiteOptions {
  /** Makes an empty registry for one test. */
  create(): Registry | Promise<Registry>;
}

export type RuleDeclarer = Rules<Registry>;

export function ruleDeclarer(runner: TestRunner, { create }: RegistrySuiteOptions): RuleDeclarer {
  return rulesOf(runner, async (test) => test(await create()));
}
