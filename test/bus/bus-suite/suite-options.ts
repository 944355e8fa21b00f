import type { Bus } from "../../../lib/bus/bus.ts";

/** The rules that a bus may have no use for; the reason stands in the title of the skipped test. */
export type BusDeviation = "lines" | "ownClose" | "noFalseReconnect";

/** The buses of three nodes, in one place with nothing in it. */
export interface BusNodes {
  readonly buses: readonly [Bus, Bus, Bus];
  /** Cuts the lines on which the nodes hear; they come up again by themselves. */
  cutLines?(): Promise<void>;
}

export interface BusSuiteOptions {
  /** Makes the nodes of one test. */
  create(): BusNodes | Promise<BusNodes>;
  /** Rules that do not apply, each with the reason why. */
  deviations?: Partial<Record<BusDeviation, string>>;
}

type Test = (nodes: Required<BusNodes>) => Promise<void>;

/** The part of a test runner that the suite needs; jest, mocha, vitest and node:test have it. */
declare const it: {
  (title: string, body: () => Promise<void>): unknown;
  skip(title: string, body: () => Promise<void>): unknown;
};

/** Declares tests that each have nodes of their own, which are closed after it. */
export interface RuleDeclarer {
  (title: string, test: Test): void;
  /** A rule that a bus may deviate from. */
  deviable(deviation: BusDeviation, title: string, test: Test): void;
}

export function ruleDeclarer({ create, deviations = {} }: BusSuiteOptions): RuleDeclarer {
  function rule(title: string, test: Test): void {
    it(title, async () => {
      const { buses, cutLines = noLines } = await create();
      try {
        await test({ buses, cutLines });
      } finally {
        await Promise.all(buses.map((bus) => bus.close()));
      }
    });
  }

  function deviable(deviation: BusDeviation, title: string, test: Test): void {
    const reason = deviations[deviation];
    if (reason === undefined) rule(title, test);
    else it.skip(`${title} (not here: ${reason})`, async () => {});
  }

  return Object.assign(rule, { deviable });
}

async function noLines(): Promise<void> {
  throw new Error('This bus needs "cutLines", or the deviation "lines".');
}
