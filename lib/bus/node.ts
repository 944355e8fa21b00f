import { randomUUID } from "node:crypto";
import type { Bus } from "./bus.ts";

/** What came back on a question to all nodes. */
export interface Answers {
  /** What each node said that answered, this one first. */
  readonly answers: readonly unknown[];
  /** The ids of nodes that live and did not answer in time. */
  readonly silentNodes: readonly string[];
}

/** Answers what another node asks; what it returns must be JSON. */
export type Answerer = (payload: unknown) => unknown;

/** Options of {@link Node}. */
export interface NodeOptions {
  /** Milliseconds after which a node that stopped renewing is taken for dead. @default 10_000 */
  leaseMs?: number;
}

interface Message {
  readonly type: string;
  readonly payload: unknown;
  readonly from: string;
  readonly question?: string;
}

interface Reply {
  readonly question: string;
  readonly node: string;
  readonly answer: unknown;
}

/** Every node listens here. */
const ALL_NODES = "nodes";

/**
 * This process among the nodes: tells them things, and asks all of them and waits for their answers.
 *
 * It joins when there is something to be told of: a process without connections only speaks.
 */
export class Node {
  readonly id: string = randomUUID();
  readonly #bus: Bus;
  readonly #leaseMs: number;
  readonly #answerers = new Map<string, Answerer>();
  readonly #questions = new Map<string, (reply: Reply) => void>();
  readonly #gapListeners = new Set<() => void>();
  #listening: Promise<void> | undefined;
  #joining: Promise<void> | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #renewedAt = 0;

  constructor(bus: Bus, { leaseMs = 10_000 }: NodeOptions = {}) {
    this.#bus = bus;
    this.#leaseMs = leaseMs;
    bus.onReconnect(() => this.#missed());
  }

  /** Says how this node answers a type of message. Told messages are answered too, to nobody. */
  answer(type: string, answerer: Answerer): void {
    this.#answerers.set(type, answerer);
  }

  /** Calls back when this node may have missed messages: its line was down, or it was stopped for a while. */
  onGap(listener: () => void): void {
    this.#gapListeners.add(listener);
  }

  /** Resolves once this node hears what others say and they know that it lives. */
  join(): Promise<void> {
    this.#joining ??= this.#join().catch((error) => {
      this.#joining = undefined;
      throw error;
    });
    return this.#joining;
  }

  /** Tells all other nodes that have joined. */
  async tell(type: string, payload: unknown): Promise<void> {
    await this.#bus.publish(ALL_NODES, JSON.stringify({ type, payload, from: this.id } satisfies Message));
  }

  /** Asks all nodes, this one too, and resolves when all that live have answered, or after `timeoutMs`. */
  async ask(type: string, payload: unknown, timeoutMs: number): Promise<Answers> {
    const own = this.#answerers.get(type)?.(payload);
    await this.#listen();
    // Known before the question is put, so that nobody who could hear it is left out.
    const waitedFor = new Set(await this.#bus.liveNodes());
    waitedFor.delete(this.id);
    const answers: unknown[] = own === undefined ? [] : [own];
    if (waitedFor.size === 0) return { answers, silentNodes: [] };

    const question = randomUUID();
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#questions.set(question, ({ node, answer }) => {
          if (!waitedFor.delete(node)) return;
          answers.push(answer);
          if (waitedFor.size > 0) return;
          clearTimeout(timer);
          resolve();
        });
        const message: Message = { type, payload, from: this.id, question };
        this.#bus.publish(ALL_NODES, JSON.stringify(message)).catch((error) => {
          clearTimeout(timer);
          reject(error);
        });
      });
    } finally {
      this.#questions.delete(question);
    }
    return { answers, silentNodes: [...waitedFor] };
  }

  /** Leaves, so that nobody waits for this node any more. */
  async close(): Promise<void> {
    clearInterval(this.#renewal);
    if (this.#joining) await this.#bus.dropLease(this.id).catch(() => {});
    await this.#bus.close();
  }

  async #join(): Promise<void> {
    await this.#listen();
    await this.#bus.subscribe(ALL_NODES, (message) => this.#hear(JSON.parse(message) as Message));
    // Last: who is counted among the living must hear.
    await this.#renew();
    clearInterval(this.#renewal);
    this.#renewal = setInterval(() => void this.#renew().catch(() => {}), this.#leaseMs / 3);
    this.#renewal.unref();
  }

  /** Replies come on a channel of one's own, so that a node which only asks hears nothing else. */
  #listen(): Promise<void> {
    this.#listening ??= this.#bus
      .subscribe(this.#replies(this.id), (message) => {
        const reply = JSON.parse(message) as Reply;
        this.#questions.get(reply.question)?.(reply);
      })
      .catch((error) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  #hear({ type, payload, from, question }: Message): void {
    if (from === this.id) return;
    const answer = this.#answerers.get(type)?.(payload);
    if (question === undefined) return;
    const reply: Reply = { question, node: this.id, answer };
    this.#bus.publish(this.#replies(from), JSON.stringify(reply)).catch(() => {});
  }

  async #renew(): Promise<void> {
    const since = Date.now() - this.#renewedAt;
    // Nobody has waited for a node whose lease had run out.
    if (this.#renewedAt > 0 && since > this.#leaseMs) this.#missed();
    await this.#bus.renewLease(this.id, this.#leaseMs);
    this.#renewedAt = Date.now();
  }

  #missed(): void {
    for (const listener of this.#gapListeners) listener();
  }

  #replies(nodeId: string): string {
    return `node:${nodeId}`;
  }
}
