import { arrivalRules } from "./registry-suite/arrivals.ts";
import { departureRules } from "./registry-suite/departures.ts";
import { idRules } from "./registry-suite/ids.ts";
import { nodeRules } from "./registry-suite/nodes.ts";
import { raceRules } from "./registry-suite/races.ts";
import { sightingRules } from "./registry-suite/sightings.ts";
import { type RegistrySuiteOptions, ruleDeclarer } from "./registry-suite/suite-options.ts";
import { runnerOf } from "./runner.ts";

export type { RegistrySuiteOptions } from "./registry-suite/suite-options.ts";

/**
 * Declares the tests that every `Registry` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner: with its global `describe` and `it`, or those of the option `runner`. A test
 * takes up to some seconds, because connections must be seen to expire, and graces to end.
 *
 * @throws {TypeError} if there is no runner.
 */
export function describeRegistry(name: string, options: RegistrySuiteOptions): void {
  const runner = runnerOf("describeRegistry", options);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, options);
  describe(`${name} as a Registry`, () => {
    describe("arrivals", () => arrivalRules(rule));
    describe("departures", () => departureRules(rule));
    describe("sightings", () => sightingRules(rule));
    describe("nodes", () => nodeRules(rule));
    describe("ids", () => idRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
