import type { Bus } from "../bus.ts";

/** The suffix of a node's second lease. No node id ends with it. */
const MARK = ":unlisted";

/** The ids of the nodes among the names of leases. */
export function nodesAmong(leases: readonly string[]): string[] {
  return leases.filter((lease) => !lease.endsWith(MARK));
}

/**
 * The nodes that may have connections which the registry does not name, such as nodes without `realtime()`. A second
 * lease marks each of them, so that the mark expires with the node.
 */
export class UnlistedNodes {
  readonly #bus: Bus;
  readonly #lease: string;
  readonly #checks = new Set<() => boolean>();

  constructor(bus: Bus, nodeId: string) {
    this.#bus = bus;
    this.#lease = nodeId + MARK;
  }

  /**
   * Adds a check that each renewal of the lease calls. This node is marked while a check is true. The returned function
   * removes the check.
   */
  add(isUnlisted: () => boolean): () => void {
    this.#checks.add(isUnlisted);
    return () => {
      this.#checks.delete(isUnlisted);
    };
  }

  /** Marks this node as unlisted for `leaseMs` milliseconds if a check is true. */
  async renew(leaseMs: number): Promise<void> {
    if ([...this.#checks].some((isUnlisted) => isUnlisted()))
      await this.#bus.renewLease(this.#lease, leaseMs);
  }

  /** Removes this node's mark. */
  async drop(): Promise<void> {
    if (this.#checks.size > 0) await this.#bus.dropLease(this.#lease);
  }

  /** The ids of all live unlisted nodes. */
  async all(): Promise<string[]> {
    const leases = await this.#bus.liveNodes();
    return leases.filter((lease) => lease.endsWith(MARK)).map((lease) => lease.slice(0, -MARK.length));
  }
}
