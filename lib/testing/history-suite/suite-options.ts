import type { Bus } from "../../bus/bus.ts";
import type { History } from "../../history/history.ts";
import { type Rules, rulesOf } from "../tools/rules.ts";
import type { SuiteOptions, TestRunner } from "../tools/runner.ts";

/** The rules that a history may have no use for; the reason stands in the title of the skipped test. */
export type HistoryDeviation = "loss";

/** What one node has. */
export interface HistoryNode {
  /** The history of the node. */
  readonly history: History;
  /** The bus on which this history publishes. */
  readonly bus: Bus;
}

/** Two nodes that share a history with nothing in it. */
export interface HistoryNodes {
  /** They may be the same one. */
  readonly nodes: readonly [HistoryNode, HistoryNode];
  /** Makes the backend lose all that it has, as a server does that restarts empty. */
  lose?(): Promise<void>;
}

/** Options of {@link describeHistory}. */
export interface HistorySuiteOptions extends SuiteOptions {
  /** Makes the nodes of one test, after which their buses are closed. */
  create(): HistoryNodes | Promise<HistoryNodes>;
  /** Rules that do not apply, each with the reason why. */
  deviations?: Partial<Record<HistoryDeviation, string>>;
}

/** What a test attacks. */
export interface HistorySubject extends Required<HistoryNodes> {
  /** The history of the first node. */
  readonly history: History;
  /** The history of the second node. */
  readonly other: History;
}

export type RuleDeclarer = Rules<HistorySubject, HistoryDeviation>;

export function ruleDeclarer(runner: TestRunner, { create, deviations }: HistorySuiteOptions): RuleDeclarer {
  return rulesOf(
    runner,
    async (test) => {
      const { nodes, lose = noLoss } = await create();
      try {
        await test({ nodes, lose, history: nodes[0].history, other: nodes[1].history });
      } finally {
        await Promise.all(nodes.map(({ bus }) => bus.close()));
      }
    },
    deviations,
  );
}

async function noLoss(): Promise<void> {
  throw new Error('This history needs "lose", or the deviation "loss".');
}
