import type { Bus } from "../../bus/bus.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** The rules that a bus may deviate from. The title of the skipped test names the reason. */
export type BusDeviation = "lines" | "ownClose" | "noFalseReconnect";

/** The buses of three nodes on one empty backend. */
export interface BusNodes {
  /** One bus for each node. The three may be the same object. */
  readonly buses: readonly [Bus, Bus, Bus];
  /** Cuts the lines on which the nodes receive messages. The lines come up again by themselves. */
  cutLines?(): Promise<void>;
}

/** Options of {@link describeBus}. */
export interface BusSuiteOptions extends SuiteOptions {
  /** Makes the nodes of one test. The suite closes their buses after the test. */
  create(): BusNodes | Promise<BusNodes>;
  /** The rules that do not apply to the bus, each with the reason. */
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
