import type { Node } from "../bus/node/node.ts";
import type { Bounds } from "../calls/bounds.ts";

/** Asks nodes the same of one list after the other. A node that was silent once is not waited for again. */
export class AskedNodes {
  readonly #node: Node;
  readonly #bounds: Bounds;
  readonly #ackTimeoutMs: number;
  readonly #among: readonly string[] | undefined;
  readonly #silent: Set<string>;

  /** All nodes are asked, or only those that are named. `silent` is where the ids of silent ones are noted. */
  constructor(
    node: Node,
    bounds: Bounds,
    ackTimeoutMs: number,
    { among, silent = new Set() }: { among?: readonly string[]; silent?: Set<string> } = {},
  ) {
    this.#node = node;
    this.#bounds = bounds;
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#among = among;
    this.#silent = silent;
  }

  /** What each node has said that answered in time. */
  async ask(type: string, payload: unknown): Promise<readonly unknown[]> {
    const { answers, silentNodes } = await this.#bounds.call(() =>
      this.#node.ask(type, payload, this.#ackTimeoutMs, this.#among, [...this.#silent]),
    );
    for (const nodeId of silentNodes) this.#silent.add(nodeId);
    return answers;
  }
}
