import type { Node } from "../../bus/node/node.ts";
import { Bounds } from "../../calls/bounds.ts";
import type { Registry } from "../../connections/registry.ts";
import { codeOf } from "../../errors.ts";

/** A user's membership that has changed, as nodes tell each other. */
export interface MembershipChange {
  readonly userId: string;
  readonly group: string;
  readonly isIn: boolean;
}

const MEMBERSHIP_CHANGED = "membership_changed";

/** Milliseconds that nodes have to say that a change is in effect. */
const ACK_TIMEOUT_MS = 1000;

/** Changes of unknown outcome that are kept until the nodes were told of them, and that they are told of with one tick. */
const MAX_UNSURE = 10_000;
const UNSURE_AT_A_TIME = 100;

/**
 * Makes changes of memberships, and has the nodes with connections of the user follow them.
 *
 * A change that has failed may have been made all the same, by an answer that was late or lost. Nobody is told of it as
 * made; but the nodes are told to look for themselves, until they could be.
 */
export class MembershipChanges {
  readonly #registry: Registry;
  readonly #node: Node;
  /** Bounds what is asked of other nodes. */
  readonly #asking: Bounds;
  /** Those of unknown outcome, by user and group. */
  readonly #unsure = new Map<string, MembershipChange>();
  #isTelling = false;

  constructor(registry: Registry, node: Node, timeoutMs: number) {
    this.#registry = registry;
    this.#node = node;
    this.#asking = new Bounds(timeoutMs + ACK_TIMEOUT_MS);
  }

  /** Has changes followed that any node makes, until the returned function is called. */
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

  /** Has the nodes look at what may have been made. Never rejects. */
  async tick(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (const [key, change] of [...this.#unsure].slice(0, UNSURE_AT_A_TIME)) {
      try {
        // As if the user had joined: whether that is so, they find out before they do anything.
        await this.#spread({ ...change, isIn: true });
      } catch {
        // Behind the others: one that cannot be told of must not keep them waiting.
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
    // This one in any case, which knows its connections without the registry.
    const asked = [this.#node.id, ...nodes];
    await this.#asking.call(() => this.#node.ask(MEMBERSHIP_CHANGED, change, ACK_TIMEOUT_MS, asked));
  }
}
