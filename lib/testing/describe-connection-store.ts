import { expiryRules } from "./connection-store-suite/expiry.ts";
import { nameRules } from "./connection-store-suite/names.ts";
import { raceRules } from "./connection-store-suite/races.ts";
import { type ConnectionStoreSuiteOptions, ruleDeclarer } from "./connection-store-suite/suite-options.ts";
import { valueRules } from "./connection-store-suite/values.ts";
import { runnerOf } from "./runner.ts";

export type {
  ConnectionStoreDeviation,
  ConnectionStoreSuiteOptions,
} from "./connection-store-suite/suite-options.ts";

/**
 * Declares the tests that every `ConnectionStore` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner: with its global `describe` and `it`, or those of the option `runner`. A test
 * takes up to some seconds, because data must be seen to expire.
 *
 * @throws {TypeError} if there is no runner.
 */
export function describeConnectionStore(name: string, options: ConnectionStoreSuiteOptions): void {
  const runner = runnerOf("describeConnectionStore", options);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, options);
  describe(`${name} as a ConnectionStore`, () => {
    describe("values", () => valueRules(rule));
    describe("names and keys", () => nameRules(rule));
    describe("expiry", () => expiryRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
