import type { Node } from "../bus/node.ts";
import type { Bounds } from "../sessions/bounds.ts";

/** Asks all nodes the same of one list after the other. A node that was silent once is not waited for again. */
export class AskedNodes {
  readonly #node: Node;
  readonly #bounds: Bounds;
  readonly #ackTimeoutMs: number;
  readonly #silent: Set<string>;

  /** `silent` is where the ids of silent nodes are noted. */
  constructor(node: Node, bounds: Bounds, ackTimeoutMs: number, silent: Set<string> = new Set()) {
    this.#node = node;
    this.#bounds = bounds;
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#silent = silent;
  }

  /** What each node has said that answered in time. */
  async ask(type: string, payload: unknown): Promise<readonly unknown[]> {
    const { answers, silentNodes } = await this.#bounds.call(() =>
      this.#node.ask(type, payload, this.#ackTimeoutMs, undefined, [...this.#silent]),
    );
    for (const nodeId of silentNodes) this.#silent.add(nodeId);
    return answers;
  }
}
