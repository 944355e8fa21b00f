import type { Node } from "../../bus/node/node.ts";
import { Bounds } from "../../calls/bounds.ts";
import type { Registry } from "../../connections/registry.ts";
import { codeOf } from "../../errors.ts";
import type { Position } from "../../history/history.ts";

/** A change of a user's membership, in the form in which nodes tell each other of it. */
export interface MembershipChange {
  readonly userId: string;
  readonly group: string;
  readonly isIn: boolean;
  /** The position of the group's history at which the user joins, if its messages are kept. */
  readonly since?: Position | undefined;
}

const MEMBERSHIP_CHANGED = "membership_changed";

/** Milliseconds that the nodes have for the answer that a change is in effect. */
const ACK_TIMEOUT_MS = 1000;

/** Changes of unknown outcome that this node keeps until it has told the nodes of them. */
const MAX_UNSURE = 10_000;
/** Changes of unknown outcome that this node tells the nodes of in one tick. */
const UNSURE_AT_A_TIME = 100;

/**
 * Makes changes of memberships, and has the nodes with connections of the user follow them.
 *
 * A failed change may have been made all the same: the answer may only have been late or lost. This class does not
 * announce such a change as made. Instead, it tells the nodes to read the membership themselves. It tries until it has
 * told them.
 */
export class MembershipChanges {
  readonly #registry: Registry;
  readonly #node: Node;
  /** Limits the questions to other nodes. */
  readonly #asking: Bounds;
  /** The changes of unknown outcome, by user and group. */
  readonly #unsure = new Map<string, MembershipChange>();
  #isTelling = false;

  constructor(registry: Registry, node: Node, timeoutMs: number) {
    this.#registry = registry;
    this.#node = node;
    this.#asking = new Bounds(timeoutMs + ACK_TIMEOUT_MS);
  }

  /** Calls `follow` for each change that any node makes, until the returned function is called. */
  follow(follow: (change: MembershipChange) => Promise<void>): () => void {
    return this.#node.answer(MEMBERSHIP_CHANGED, (payload) => follow(payload as MembershipChange));
  }

  /** Makes a change, and resolves once it is in effect on all nodes that answer in time. */
  async make(change: MembershipChange, make: () => Promise<unknown>): Promise<void> {
    const key = JSON.stringify([change.userId, change.group]);
    try {
      await make();
      await this.#spread(change);
      this.#unsure.delete(key);
    } catch (error) {
      if (codeOf(error) !== "ERR_TOO_MANY_GROUPS") this.#notSure(key, change);
      throw error;
    }
  }

  /** Tells the nodes to read the memberships whose change may have been made. Never rejects. */
  async tick(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (const [key, change] of [...this.#unsure].slice(0, UNSURE_AT_A_TIME)) {
      try {
        // This says that the user has joined. The nodes read the membership before they act on it.
        await this.#spread({ ...change, isIn: true });
      } catch {
        // The change goes behind the others: a change that cannot be announced must not keep them waiting.
        if (this.#unsure.get(key) === change) this.#notSure(key, change);
        break;
      }
      if (this.#unsure.get(key) === change) this.#unsure.delete(key);
    }
    this.#isTelling = false;
  }

  #notSure(key: string, change: MembershipChange): void {
    this.#unsure.delete(key);
    this.#unsure.set(key, change);
    const [oldest] = this.#unsure.keys();
    if (this.#unsure.size > MAX_UNSURE && oldest !== undefined) this.#unsure.delete(oldest);
  }

  async #spread(change: MembershipChange): Promise<void> {
    const [nodes = []] = await this.#registry.nodesOf([change.userId]);
    // This node is always asked: it knows its connections without the registry.
    const asked = [this.#node.id, ...nodes];
    await this.#asking.call(() => this.#node.ask(MEMBERSHIP_CHANGED, change, ACK_TIMEOUT_MS, asked));
  }
}
