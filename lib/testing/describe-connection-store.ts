import { optionsCheck } from "../options/options-check.ts";
import { expiryRules } from "./connection-store-suite/expiry.ts";
import { nameRules } from "./connection-store-suite/names.ts";
import { raceRules } from "./connection-store-suite/races.ts";
import {
  type ConnectionStoreDeviation,
  type ConnectionStoreSuiteOptions,
  ruleDeclarer,
} from "./connection-store-suite/suite-options.ts";
import { valueRules } from "./connection-store-suite/values.ts";
import { deviationsRule, runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type {
  ConnectionStoreDeviation,
  ConnectionStoreSuiteOptions,
} from "./connection-store-suite/suite-options.ts";

const checked = optionsCheck<ConnectionStoreSuiteOptions>("describeConnectionStore", {
  ...SUITE_RULES,
  deviations: deviationsRule<ConnectionStoreDeviation>({ clear: true }),
});

/**
 * Declares the tests that every `ConnectionStore` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner, with its global `describe` and `it` or with those of the option `runner`. A test takes up
 * to a few seconds, because it waits until data expires.
 *
 * @throws {TypeError} that names the wrong option, or says that there is no runner.
 */
export function describeConnectionStore(name: string, options: ConnectionStoreSuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeConnectionStore", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as a ConnectionStore`, () => {
    describe("values", () => valueRules(rule));
    describe("names and keys", () => nameRules(rule));
    describe("expiry", () => expiryRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
