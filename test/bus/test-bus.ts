import type { Bus, MessageListener } from "../../lib/bus/bus.ts";

type Call = "publish" | "subscribe" | "unsubscribe" | "renewLease" | "liveNodes" | "dropLease";

/** One call that a test delays. */
export interface Held {
  /** Resolves when the call is made. */
  readonly arrived: Promise<void>;
  /** Lets the call continue. */
  release(): void;
}

/**
 * One node's bus on top of a real bus that all nodes share. A test can cut and slow down its line, and report a
 * reconnection.
 */
export class TestBus implements Bus {
  readonly #shared: Bus;
  readonly #gates: { call: Call; where: "request" | "answer"; arrive(): void; released: Promise<void> }[] =
    [];
  readonly #reconnectListeners: (() => void)[] = [];
  readonly #hearing = new WeakMap<MessageListener, MessageListener>();
  /** The names of the calls that fail. */
  readonly broken = new Set<Call>();
  /** While this is set, messages to this node do not arrive. */
  isDeaf = false;
  isClosed = false;
  /** Errors that listeners have thrown. They would have ended the process. */
  readonly thrown: unknown[] = [];
  /** The calls so far. */
  readonly calls: Call[] = [];

  constructor(shared: Bus) {
    this.#shared = shared;
  }

  /** Holds the next call of this kind before it reaches the bus, or holds its answer. */
  hold(call: Call, where: "request" | "answer"): Held {
    let arrive = () => {};
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#gates.push({ call, where, arrive, released });
    return { arrived, release };
  }

  /** Reports that the line is up again. */
  reconnect(): void {
    for (const listener of this.#reconnectListeners) listener();
  }

  publish(channel: string, message: string): Promise<void> {
    return this.#pass("publish", () => this.#shared.publish(channel, message));
  }

  subscribe(channel: string, listener: MessageListener): Promise<void> {
    const hear: MessageListener = (message) => {
      if (this.isDeaf || this.isClosed) return;
      try {
        listener(message);
      } catch (error) {
        this.thrown.push(error);
      }
    };
    this.#hearing.set(listener, hear);
    return this.#pass("subscribe", () => this.#shared.subscribe(channel, hear));
  }

  unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    const hear = this.#hearing.get(listener) ?? listener;
    return this.#pass("unsubscribe", () => this.#shared.unsubscribe(channel, hear));
  }

  onReconnect(listener: () => void): void {
    this.#reconnectListeners.push(listener);
  }

  renewLease(nodeId: string, leaseMs: number): Promise<unknown> {
    return this.#pass("renewLease", () => this.#shared.renewLease(nodeId, leaseMs));
  }

  dropLease(nodeId: string): Promise<void> {
    return this.#pass("dropLease", () => this.#shared.dropLease(nodeId));
  }

  liveNodes(): Promise<string[]> {
    return this.#pass("liveNodes", () => this.#shared.liveNodes());
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #pass<T>(call: Call, ask: () => Promise<T>): Promise<T> {
    this.calls.push(call);
    const index = this.#gates.findIndex((gate) => gate.call === call);
    const [gate] = index === -1 ? [] : this.#gates.splice(index, 1);
    if (gate?.where === "request") {
      gate.arrive();
      await gate.released;
    }
    if (this.broken.has(call)) throw new Error(`The line is down: ${call}`);
    const answer = await ask();
    if (gate?.where === "answer") {
      gate.arrive();
      await gate.released;
    }
    return answer;
  }
}
