import { optionsCheck } from "../options/options-check.ts";
import { appendingRules } from "./history-suite/appending.ts";
import { enteringRules } from "./history-suite/entering.ts";
import { limitRules } from "./history-suite/limits.ts";
import { lifeRules } from "./history-suite/lives.ts";
import { nameRules } from "./history-suite/names.ts";
import { raceRules } from "./history-suite/races.ts";
import { readingRules } from "./history-suite/reading.ts";
import {
  type HistoryDeviation,
  type HistorySuiteOptions,
  ruleDeclarer,
} from "./history-suite/suite-options.ts";
import { deviationsRule, runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type {
  HistoryDeviation,
  HistoryNode,
  HistoryNodes,
  HistorySuiteOptions,
} from "./history-suite/suite-options.ts";

const checked = optionsCheck<HistorySuiteOptions>("describeHistory", {
  ...SUITE_RULES,
  deviations: deviationsRule<HistoryDeviation>({ loss: true }),
});

/**
 * Declares the tests that every `History` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner: with its global `describe` and `it`, or those of the option `runner`. A test
 * takes up to some seconds, because messages must be seen to expire, and many calls race.
 *
 * @throws {TypeError} that names the option which is wrong, or if there is no runner.
 */
export function describeHistory(name: string, options: HistorySuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeHistory", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as a History`, () => {
    describe("appending", () => appendingRules(rule));
    describe("limits", () => limitRules(rule));
    describe("reading", () => readingRules(rule));
    describe("positions", () => lifeRules(rule));
    describe("entering", () => enteringRules(rule));
    describe("names", () => nameRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
