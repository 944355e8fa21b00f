import { optionsCheck } from "../../options/options-check.ts";
import { delay, type Rules } from "../../options/rule.ts";

/** Options of a node. */
export interface NodeOptions {
  /** Milliseconds after which a node that has stopped renewing its lease counts as dead. @default 10_000 */
  leaseMs?: number;
}

/** The rules for a node's options. A backend takes the same options. */
export const NODE_RULES: Rules<NodeOptions> = {
  leaseMs: {
    expected: "a whole number of milliseconds, more than 0, below 2 ** 31",
    isRight: (value) => Number.isInteger(value) && delay.isRight(value),
  },
};

/** Checks the options of a node. @throws {TypeError} that names the option. */
export const checkedNodeOptions: (options: unknown) => NodeOptions = optionsCheck<NodeOptions>(
  "Node",
  NODE_RULES,
);
