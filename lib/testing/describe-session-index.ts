import { optionsCheck } from "../options/options-check.ts";
import { entryRules } from "./session-index-suite/entries.ts";
import { expiryRules } from "./session-index-suite/expiry.ts";
import { idRules } from "./session-index-suite/ids.ts";
import { limitRules } from "./session-index-suite/limits.ts";
import { raceRules } from "./session-index-suite/races.ts";
import { revokingRules } from "./session-index-suite/revoking.ts";
import { ruleDeclarer, type SessionIndexSuiteOptions } from "./session-index-suite/suite-options.ts";
import { runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type { SessionIndexSuiteOptions } from "./session-index-suite/suite-options.ts";

const checked = optionsCheck<SessionIndexSuiteOptions>("describeSessionIndex", SUITE_RULES);

/**
 * Declares the tests that every `SessionIndex` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner, with its global `describe` and `it` or with those of the option `runner`. A test takes up
 * to a few seconds, because it waits until entries expire.
 *
 * @throws {TypeError} that names the wrong option, or says that there is no runner.
 */
export function describeSessionIndex(name: string, options: SessionIndexSuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeSessionIndex", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as a SessionIndex`, () => {
    describe("entries", () => entryRules(rule));
    describe("revoking", () => revokingRules(rule));
    describe("limits", () => limitRules(rule));
    describe("expiry", () => expiryRules(rule));
    describe("ids", () => idRules(rule));
    describe("at the same time", () => raceRules(rule));
  });
}
