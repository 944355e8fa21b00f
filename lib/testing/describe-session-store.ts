import { optionsCheck } from "../options/options-check.ts";
import { contentRules } from "./session-store-suite/contents.ts";
import { endingRules } from "./session-store-suite/endings.ts";
import { expiryRules } from "./session-store-suite/expiry.ts";
import { expressStoreRules } from "./session-store-suite/express-store.ts";
import { raceRules } from "./session-store-suite/races.ts";
import {
  ruleDeclarer,
  type SessionStoreDeviation,
  type SessionStoreSuiteOptions,
} from "./session-store-suite/suite-options.ts";
import { walkingRules } from "./session-store-suite/walking.ts";
import { writingRules } from "./session-store-suite/writing.ts";
import { deviationsRule, runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type { SessionStoreDeviation, SessionStoreSuiteOptions } from "./session-store-suite/suite-options.ts";

const checked = optionsCheck<SessionStoreSuiteOptions>("describeSessionStore", {
  ...SUITE_RULES,
  deviations: deviationsRule<SessionStoreDeviation>({
    refreshKeepsVersion: true,
    refreshMovesExpiry: true,
    refreshTellsGone: true,
    walksAnyId: true,
  }),
});

/**
 * Declares the tests that every `SessionStore` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner, with its global `describe` and `it` or with those of the option `runner`. A test takes up
 * to a few seconds, because it waits until sessions expire.
 *
 * @throws {TypeError} that names the wrong option, or says that there is no runner.
 */
export function describeSessionStore(name: string, options: SessionStoreSuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeSessionStore", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as a SessionStore`, () => {
    describe("writing", () => writingRules(rule));
    describe("at the same time", () => raceRules(rule));
    describe("expiry", () => expiryRules(rule));
    describe("endings", () => endingRules(rule));
    describe("walking", () => walkingRules(rule));
    describe("contents", () => contentRules(rule));
    describe("as express-session's store", () => expressStoreRules(rule));
  });
}
