import { optionsCheck } from "../options/options-check.ts";
import { leaseRules } from "./bus-suite/leases.ts";
import { lineRules } from "./bus-suite/lines.ts";
import { listenerRules } from "./bus-suite/listener-rules.ts";
import { messageRules } from "./bus-suite/messages.ts";
import { type BusDeviation, type BusSuiteOptions, ruleDeclarer } from "./bus-suite/suite-options.ts";
import { deviationsRule, runnerOf, SUITE_RULES } from "./tools/runner.ts";

export type { BusDeviation, BusNodes, BusSuiteOptions } from "./bus-suite/suite-options.ts";

const checked = optionsCheck<BusSuiteOptions>("describeBus", {
  ...SUITE_RULES,
  deviations: deviationsRule<BusDeviation>({ lines: true, noFalseReconnect: true, ownClose: true }),
});

/**
 * Declares the tests that every `Bus` must pass, by attacking each rule of the contract.
 *
 * Runs on any test runner, with its global `describe` and `it` or with those of the option `runner`. A test takes up
 * to a few seconds, because it waits until leases run out and lines come up again.
 *
 * @throws {TypeError} that names the wrong option, or says that there is no runner.
 */
export function describeBus(name: string, options: BusSuiteOptions): void {
  const config = checked(options);
  const runner = runnerOf("describeBus", config);
  const { describe } = runner;
  const rule = ruleDeclarer(runner, config);
  describe(`${name} as a Bus`, () => {
    describe("messages", () => messageRules(rule));
    describe("listeners", () => listenerRules(rule));
    describe("leases", () => leaseRules(rule));
    describe("lines", () => lineRules(rule));
  });
}
