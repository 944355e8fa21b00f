import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Bus } from "../bus.ts";
import { type Message, parsed, type Reply } from "../message.ts";
import { type Answerer, Answerers } from "./answerers.ts";
import { checkedNodeOptions, type NodeOptions } from "./node-options.ts";
import { Questions } from "./questions.ts";
import { nodesAmong, UnlistedNodes } from "./unlisted-nodes.ts";

/** What came back on a question to all nodes. */
export interface Answers {
  /** What each node said that answered, this one first. */
  readonly answers: readonly unknown[];
  /** The ids of nodes that live and did not answer in time. */
  readonly silentNodes: readonly string[];
}

/** How long leaving may take. */
const LEAVE_WITHIN_MS = 500;

/** Every node listens here. */
const ALL_NODES = "nodes";

/**
 * This process among the nodes: tells them things, and asks all of them and waits for their answers.
 *
 * It joins when there is something to be told of: a process without connections only speaks.
 */
export class Node {
  /** Its name among the nodes: another one with each start. */
  readonly id: string = randomUUID();
  /** The nodes whose connections the registry does not name, and whether this is one. */
  readonly unlisted: UnlistedNodes;
  readonly #bus: Bus;
  /** Milliseconds that the others wait for this node when it does not renew its lease. */
  readonly leaseMs: number;
  readonly #answerers = new Answerers();
  readonly #questions = new Questions();
  readonly #gapListeners = new Set<(hasLapsed: boolean) => void>();
  #listening: Promise<void> | undefined;
  #joining: Promise<void> | undefined;
  #hearing: Promise<void> | undefined;
  #isClosed = false;
  /** Whether the backend did not know of its lease any more. */
  #wasForgotten = false;
  #renewal: NodeJS.Timeout | undefined;
  /** When its lease was last renewed, by two clocks: either may stand still, or be set, while time goes on. */
  #renewedAt: { readonly date: number; readonly steady: number } | undefined;

  constructor(bus: Bus, options: NodeOptions = {}) {
    // Backends hand on all that they were given.
    const { leaseMs = 10_000 } = checkedNodeOptions({ leaseMs: options.leaseMs });
    this.#bus = bus;
    this.unlisted = new UnlistedNodes(bus, this.id);
    this.leaseMs = leaseMs;
    bus.onReconnect(() => {
      // A backend that came back empty does not know this node any more.
      if (this.#renewal) void this.#renew().catch(() => {});
      this.#missed(false);
    });
  }

  /** Whether it hears what others say, or will learn that it may have missed something. */
  get hasJoined(): boolean {
    return this.#renewal !== undefined;
  }

  /** Whether its lease may have run out, so that nobody waits for this node any more. */
  get hasLapsed(): boolean {
    if (!this.#renewedAt) return false;
    const { date, steady } = this.#renewedAt;
    return Math.max(Date.now() - date, performance.now() - steady) >= this.leaseMs;
  }

  /** Says how this node answers a type of message, until the returned function is called. Told messages are answered too, to nobody. */
  answer(type: string, answerer: Answerer): () => void {
    return this.#answerers.add(type, answerer);
  }

  /**
   * Calls back when this node may have missed messages, until the returned function is called: its line was down, or it
   * was stopped for a while. `hasLapsed` says whether the others may have taken it for dead, and waited for it no more.
   */
  onGap(listener: (hasLapsed: boolean) => void): () => void {
    this.#gapListeners.add(listener);
    return () => {
      this.#gapListeners.delete(listener);
    };
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

  /**
   * Asks all nodes, this one too, or only those that are named, and resolves when all of them that live have answered,
   * or after `timeoutMs`. Those that are known not to answer, or not known to live, are asked and not waited for: one that
   * stands still hears of it when it goes on.
   */
  async ask(
    type: string,
    payload: unknown,
    timeoutMs: number,
    among?: readonly string[],
    silent: readonly string[] = [],
  ): Promise<Answers> {
    const isAsked = (nodeId: string) => among?.includes(nodeId) ?? true;
    const answering = isAsked(this.id) ? this.#answerers.answerTo(type, payload) : undefined;
    if (among?.every((nodeId) => nodeId === this.id))
      return { answers: given(await answering), silentNodes: [] };
    const [own] = await Promise.all([answering, this.#listen()]);
    const answers = given(own);
    // Known before the question is put, so that nobody who could hear it is left out.
    const others = nodesAmong(await this.#bus.liveNodes()).filter((id) => id !== this.id && isAsked(id));
    const channels = among
      ? among.filter((nodeId) => nodeId !== this.id).map((nodeId) => this.#ownChannel(nodeId))
      : [ALL_NODES];
    const waitedFor = new Set(others.filter((nodeId) => !silent.includes(nodeId)));

    const put = (question: string) => {
      const message = JSON.stringify({ type, payload, from: this.id, question } satisfies Message);
      return Promise.all(channels.map((channel) => this.#bus.publish(channel, message)));
    };
    answers.push(...(await this.#questions.ask(put, waitedFor, timeoutMs)));
    return { answers, silentNodes: [...waitedFor] };
  }

  /** Leaves, so that nobody waits for this node any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#renewal);
    this.#renewal = undefined;
    this.#gapListeners.clear();
    // A backend that is down must not keep the process from ending; the lease runs out by itself.
    if (this.#joining) await this.#leave();
    await this.#bus.close();
  }

  async #leave(): Promise<void> {
    const limit = new AbortController();
    const left = Promise.allSettled([this.#bus.dropLease(this.id), this.unlisted.drop()]);
    await Promise.race([left, delay(LEAVE_WITHIN_MS, undefined, { signal: limit.signal })]);
    // Else it would keep the process from ending for that long.
    limit.abort();
  }

  async #join(): Promise<void> {
    await this.#listen();
    this.#hearing ??= this.#bus
      .subscribe(ALL_NODES, (text) => {
        const message = parsed<Message>(text);
        if (message) void this.#hear(message);
      })
      .catch((error) => {
        this.#hearing = undefined;
        throw error;
      });
    await this.#hearing;
    // Last: who is counted among the living must hear.
    await this.#renew();
    if (this.#isClosed) return;
    this.#renewal = setInterval(() => void this.#renew().catch(() => {}), this.leaseMs / 3);
    this.#renewal.unref();
  }

  /** Replies come on a channel of one's own, so that a node which only asks hears nothing else; and so do questions to it alone. */
  #listen(): Promise<void> {
    this.#listening ??= this.#bus
      .subscribe(this.#ownChannel(this.id), (text) => {
        const message = parsed<Message | Reply>(text);
        if (!message) return;
        if ("type" in message) void this.#hear(message);
        else this.#questions.hear(message);
      })
      .catch((error) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  async #hear({ type, payload, from, question }: Message): Promise<void> {
    if (from === this.id) return;
    let answer: unknown;
    try {
      const answering = this.#answerers.answerTo(type, payload);
      // Most answer at once, and are heard in the order in which they were asked.
      answer = answering instanceof Promise ? await answering : answering;
    } catch {
      // Whoever asks is told that this node lives; what it could not do, its next revalidation does.
    }
    if (question === undefined) return;
    const reply: Reply = { question, node: this.id, answer };
    this.#bus.publish(this.#ownChannel(from), JSON.stringify(reply)).catch(() => {});
  }

  async #renew(): Promise<void> {
    if (this.#isClosed) return;
    const renewedAt = { date: Date.now(), steady: performance.now() };
    const isFirst = this.#renewedAt === undefined;
    const renewed = this.#bus.renewLease(this.id, this.leaseMs).then((wasKnown) => {
      // Noted at once: whatever fails beside it, the next renewal would not tell it any more.
      if (wasKnown === false && !isFirst) this.#wasForgotten = true;
    });
    await Promise.all([renewed, this.unlisted.renew(this.leaseMs)]);
    // Answered so late that the lease may have run out before, or by a backend that has lost it, with all else maybe: nobody
    // has waited for this node.
    const hasLapsed = this.hasLapsed || this.#wasForgotten;
    this.#wasForgotten = false;
    // The moment before: the lease runs from somewhere between it and the answer.
    this.#renewedAt = renewedAt;
    // Only now: what a node does that is not known to live would be undone by those that clear up after it.
    if (hasLapsed) this.#missed(true);
    if (this.#isClosed) await this.#bus.dropLease(this.id);
  }

  #missed(hasLapsed: boolean): void {
    for (const listener of this.#gapListeners) listener(hasLapsed);
  }

  #ownChannel(nodeId: string): string {
    return `node:${nodeId}`;
  }
}

/** The answer of one node, if it has one. */
function given(answer: unknown): unknown[] {
  return answer === undefined ? [] : [answer];
}
