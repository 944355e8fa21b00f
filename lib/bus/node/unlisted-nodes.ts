import type { Bus } from "../bus.ts";

/** Ends the name of a second lease, beside the node's own. No id of a node ends so. */
const MARK = ":unlisted";

/** The nodes among those that have a lease. */
export function nodesAmong(leases: readonly string[]): string[] {
  return leases.filter((lease) => !lease.endsWith(MARK));
}

/**
 * The nodes that may have connections which the registry does not name, as those without `realtime()`: by a second lease
 * of theirs, so that it ends with them.
 */
export class UnlistedNodes {
  readonly #bus: Bus;
  readonly #lease: string;
  readonly #checks = new Set<() => boolean>();

  constructor(bus: Bus, nodeId: string) {
    this.#bus = bus;
    this.#lease = nodeId + MARK;
  }

  /** Counts this node among them whenever its lease is renewed and this is so, until the returned function is called. */
  add(isUnlisted: () => boolean): () => void {
    this.#checks.add(isUnlisted);
    return () => {
      this.#checks.delete(isUnlisted);
    };
  }

  /** Says that this node is one of them, for so many milliseconds, if it is. */
  async renew(leaseMs: number): Promise<void> {
    if ([...this.#checks].some((isUnlisted) => isUnlisted()))
      await this.#bus.renewLease(this.#lease, leaseMs);
  }

  /** Says that this node is gone. */
  async drop(): Promise<void> {
    if (this.#checks.size > 0) await this.#bus.dropLease(this.#lease);
  }

  /** The ids of all of them that live. */
  async all(): Promise<string[]> {
    const leases = await this.#bus.liveNodes();
    return leases.filter((lease) => lease.endsWith(MARK)).map((lease) => lease.slice(0, -MARK.length));
  }
}
