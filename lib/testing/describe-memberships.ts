import { optionsCheck } from "../options/options-check.ts";
import { joiningRules } from "./memberships-suite/joining.ts";
import { nameRules } from "./memberships-suite/names.ts";
import { raceRules } from "./memberships-suite/races.ts";
import { type MembershipsSuiteOptions, ruleDeclarer } from "./memberships-suite/suite-options.ts";
import { runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type { MembershipsSuiteOptions } from "./memberships-suite/suite-options.ts";

const checked = optionsCheck<MembershipsSuiteOptions>("describeMemberships", SUITE_RULES);

/**
 * Declares the tests that `Memberships` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner, with its global `describe` and `it` or with those of the option `runner`. A test takes up
 * to a few seconds, because many users race.
 *
 * @throws {TypeError} that names the wrong option, or says that there is no runner.
 */
export function describeMemberships(name: string, options: MembershipsSuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeMemberships", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as Memberships`, () => {
    describe("joining and leaving", () => joiningRules(rule));
    describe("names", () => nameRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
