import type { Node } from "../bus/node/node.ts";
import type { Bounds } from "../calls/bounds.ts";

/** Asks the same nodes about several lists, one after the other. Does not wait again for a node that was silent. */
export class AskedNodes {
  readonly #node: Node;
  readonly #bounds: Bounds;
  readonly #ackTimeoutMs: number;
  readonly #among: readonly string[] | undefined;
  readonly #silent: Set<string>;

  /** Asks all nodes, or only those that `among` names. Adds the ids of silent nodes to `silent`. */
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

  /** Asks the nodes and returns the answers that arrive in time. */
  async ask(type: string, payload: unknown): Promise<readonly unknown[]> {
    const { answers, silentNodes } = await this.#bounds.call(() =>
      this.#node.ask(type, payload, this.#ackTimeoutMs, this.#among, [...this.#silent]),
    );
    for (const nodeId of silentNodes) this.#silent.add(nodeId);
    return answers;
  }
}
