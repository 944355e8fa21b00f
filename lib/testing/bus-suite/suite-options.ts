import type { Bus } from "../../bus/bus.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** The rules that a bus may have no use for; the reason stands in the title of the skipped test. */
export type BusDeviation = "lines" | "ownClose" | "noFalseReconnect";

/** The buses of three nodes, in one place with nothing in it. */
export interface BusNodes {
  /** One for each node; they may be the same one. */
  readonly buses: readonly [Bus, Bus, Bus];
  /** Cuts the lines on which the nodes hear; they come up again by themselves. */
  cutLines?(): Promise<void>;
}

/** Options of {@link describeBus}. */
export interface BusSuiteOptions extends SuiteOptions {
  /** Makes the nodes of one test, after which they are closed. */
  create(): BusNodes | Promise<BusNodes>;
  /** Rules that do not apply, each with the reason why. */
  deviations?: Partial<Record<BusDeviation, string>>;
}

export type RuleDeclarer = Rules<Required<BusNodes>, BusDeviation>;

export function ruleDeclarer(runner: TestRunner, { create, deviations }: BusSuiteOptions): RuleDeclarer {
  return rulesOf(
    runner,
    async (test) => {
      const { buses, cutLines = noLines } = await create();
      try {
        await test({ buses, cutLines });
      } finally {
        await Promise.all(buses.map((bus) => bus.close()));
      }
    },
    deviations,
  );
}

async function noLines(): Promise<void> {
  throw new Error('This bus needs "cutLines", or the deviation "lines".');
}
