import { optionsCheck } from "../options/options-check.ts";
import { arrivalRules } from "./registry-suite/arrivals.ts";
import { departureRules } from "./registry-suite/departure-rules.ts";
import { idRules } from "./registry-suite/ids.ts";
import { nodeRules } from "./registry-suite/nodes.ts";
import { raceRules } from "./registry-suite/races.ts";
import { sightingRules } from "./registry-suite/sightings.ts";
import { type RegistrySuiteOptions, ruleDeclarer } from "./registry-suite/suite-options.ts";
import { runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type { RegistrySuiteOptions } from "./registry-suite/suite-options.ts";

const checked = optionsCheck<RegistrySuiteOptions>("describeRegistry", SUITE_RULES);

/**
 * Declares the tests that every `Registry` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner, with its global `describe` and `it` or with those of the option `runner`. A test takes up
 * to a few seconds, because it waits until connections expire and graces end.
 *
 * @throws {TypeError} that names the wrong option, or says that there is no runner.
 */
export function describeRegistry(name: string, options: RegistrySuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeRegistry", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as a Registry`, () => {
    describe("arrivals", () => arrivalRules(rule));
    describe("departures", () => departureRules(rule));
    describe("sightings", () => sightingRules(rule));
    describe("nodes", () => nodeRules(rule));
    describe("ids", () => idRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
