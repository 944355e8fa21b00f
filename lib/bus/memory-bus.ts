import type { Bus, MessageListener } from "./bus.ts";

/** Options of {@link MemoryBus}. */
export interface MemoryBusOptions {
  /** The clock, in milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

/** The bus of one process. Its lines are never down. */
export class MemoryBus implements Bus {
  readonly #listeners = new Map<string, Set<MessageListener>>();
  readonly #leases = new Map<string, number>();
  readonly #now: () => number;

  constructor({ now = Date.now }: MemoryBusOptions = {}) {
    this.#now = now;
  }

  async publish(channel: string, message: string): Promise<void> {
    // Delivery is asynchronous, as over a line: no listener runs inside the publisher's call.
    queueMicrotask(() => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(message);
    });
  }

  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
  }

  async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(channel);
  }

  onReconnect(): void {}

  async renewLease(nodeId: string, leaseMs: number): Promise<boolean> {
    const wasKnown = (this.#leases.get(nodeId) ?? 0) > this.#now();
    this.#leases.set(nodeId, this.#now() + leaseMs);
    return wasKnown;
  }

  async dropLease(nodeId: string): Promise<void> {
    this.#leases.delete(nodeId);
  }

  async liveNodes(): Promise<string[]> {
    for (const [nodeId, until] of this.#leases) if (until <= this.#now()) this.#leases.delete(nodeId);
    return [...this.#leases.keys()];
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#leases.clear();
  }
}
