import { joiningRules } from "./memberships-suite/joining.ts";
import { nameRules } from "./memberships-suite/names.ts";
import { raceRules } from "./memberships-suite/races.ts";
import { type MembershipsSuiteOptions, ruleDeclarer } from "./memberships-suite/suite-options.ts";
import { runnerOf } from "./runner.ts";

export type { MembershipsSuiteOptions } from "./memberships-suite/suite-options.ts";

/**
 * Declares the tests that `Memberships` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner: with its global `describe` and `it`, or those of the option `runner`. A test
 * takes up to some seconds, because many users race.
 *
 * @throws {TypeError} if there is no runner.
 */
export function describeMemberships(name: string, options: MembershipsSuiteOptions): void {
  const runner = runnerOf("describeMemberships", options);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, options);
  describe(`${name} as Memberships`, () => {
    describe("joining and leaving", () => joiningRules(rule));
    describe("names", () => nameRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
