import { leaseRules } from "./bus-suite/leases.ts";
import { lineRules } from "./bus-suite/lines.ts";
import { messageRules } from "./bus-suite/messages.ts";
import { type BusSuiteOptions, ruleDeclarer } from "./bus-suite/suite-options.ts";

export type { BusDeviation, BusNodes, BusSuiteOptions } from "./bus-suite/suite-options.ts";

declare const describe: (name: string, body: () => void) => unknown;

/**
 * Declares the tests that every `Bus` must pass, by attacking each rule of the contract.
 *
 * Runs on any runner with global `describe` and `it`. A test takes up to some seconds, because leases must
 * be seen to run out, and lines to come up again.
 */
export function describeBus(name: string, options: BusSuiteOptions): void {
  const rule = ruleDeclarer(options);
  describe(`${name} as a Bus`, () => {
    describe("messages", () => messageRules(rule));
    describe("leases", () => leaseRules(rule));
    describe("lines", () => lineRules(rule));
  });
}
