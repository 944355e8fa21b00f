import type { Memberships } from "../../groups/memberships.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** Options of {@link describeMemberships}. */
export interface MembershipsSuiteOptions extends SuiteOptions {
  /** Makes empty memberships for one test. */
  create(): Memberships | Promise<Memberships>;
}

export type RuleDeclarer = Rules<Memberships>;

export function ruleDeclarer(runner: TestRunner, { create }: MembershipsSuiteOptions): RuleDeclarer {
  return rulesOf(runner, async (test) => test(await create()));
}
