import { bounded } from "../../calls/bounded.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { inBatches } from "../../calls/in-batches.ts";
import { Running } from "../../calls/running.ts";
import { WorkQueue } from "../../calls/work-queue.ts";
import type { ConnectionIdentity, ConnectionStore } from "../../connections/connection-store.ts";
import type { DataHolder } from "./connection-data.ts";

/**
 * Connections whose data is cleared at a time. Even a node that loses all its connections has room left for its other
 * calls.
 */
const AT_A_TIME = 1_000;

/** The most failed connections that are kept for another try. The data of further connections expires by itself. */
const MAX_FAILED = 10_000;

/** Keeps the data of connections alive while they are active, and clears it when they have gone. */
export class DataUpkeep {
  readonly #store: ConnectionStore;
  readonly #bounds: Bounds;
  readonly #report: (error: unknown) => void;
  readonly #running = new Running();
  readonly #queue = new WorkQueue<ConnectionIdentity>(
    AT_A_TIME,
    (connection) => this.#clear(connection),
    (worker) => this.#running.track(worker),
  );
  readonly #failed = new Set<ConnectionIdentity>();
  #isFailing = false;

  constructor(store: ConnectionStore, bounds: Bounds, report: (error: unknown) => void) {
    this.#store = bounded(store, bounds);
    this.#bounds = bounds;
    this.#report = report;
  }

  /** Extends the life of the data of connections that were heard. */
  async refresh(heard: readonly DataHolder[]): Promise<void> {
    await inBatches(
      heard.filter(({ hasData }) => hasData),
      (connection) => this.#store.refresh(connection),
    );
  }

  /** Clears the data of a connection. If the store does not answer, a later tick tries again. */
  clear({ id, userId }: ConnectionIdentity): void {
    if (this.#store.clear) this.#queue.add({ id, userId });
  }

  /** Tries failed connections again, a limited number at a time. */
  tick(): void {
    for (const connection of [...this.#failed].slice(0, AT_A_TIME)) {
      this.#failed.delete(connection);
      this.#queue.add(connection);
    }
  }

  /** Resolves once all data is cleared, as far as the store answers. */
  async close(): Promise<void> {
    await this.#bounds.call(() => this.#running.settled()).catch(() => {});
  }

  async #clear(connection: ConnectionIdentity): Promise<void> {
    try {
      await this.#store.clear?.(connection);
      if (this.#failed.size === 0) this.#isFailing = false;
    } catch (error) {
      if (this.#failed.size < MAX_FAILED) this.#failed.add(connection);
      // Reports once: not for each of thousands of connections, nor with each tick while the store is down.
      if (!this.#isFailing) this.#report(error);
      this.#isFailing = true;
    }
  }
}
