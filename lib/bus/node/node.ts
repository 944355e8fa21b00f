import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Bus } from "../bus.ts";
import { type Message, parsed, type Reply } from "../message.ts";
import { type Answerer, Answerers, given } from "./answerers.ts";
import { checkedNodeOptions, type NodeOptions } from "./node-options.ts";
import { Questions } from "./questions.ts";
import { nodesAmong, UnlistedNodes } from "./unlisted-nodes.ts";

/** The result of a question to several nodes. */
export interface Answers {
  /** The answers of the nodes that answered, this node's first. */
  readonly answers: readonly unknown[];
  /** The ids of live nodes that did not answer in time. */
  readonly silentNodes: readonly string[];
}

/** Longest time that leaving takes, in milliseconds. */
const LEAVE_WITHIN_MS = 500;

/** The channel that every joined node listens to. */
const ALL_NODES = "nodes";

/**
 * This process as one of the nodes. It sends messages to the others, asks them questions and waits for the answers.
 *
 * A process joins once it needs messages from others. A process without connections only sends.
 */
export class Node {
  /** The id of this node. Each start has a new one. */
  readonly id: string = randomUUID();
  /** The nodes whose connections the registry does not name, and whether this node is one of them. */
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
  /** Whether the backend had lost this node's lease. */
  #wasForgotten = false;
  #renewal: NodeJS.Timeout | undefined;
  /** When the lease was last renewed, by two clocks. Either clock alone may stand still, or be set. */
  #renewedAt: { readonly date: number; readonly steady: number } | undefined;

  constructor(bus: Bus, options: NodeOptions = {}) {
    // Backends pass on all of their own options.
    const { leaseMs = 10_000 } = checkedNodeOptions({ leaseMs: options.leaseMs });
    this.#bus = bus;
    this.unlisted = new UnlistedNodes(bus, this.id);
    this.leaseMs = leaseMs;
    bus.onReconnect(() => {
      // A backend that came back empty has lost this node's lease.
      if (this.#renewal) void this.#renew().catch(() => {});
      this.#missed(false);
    });
  }

  /** Whether this node receives messages, or will learn that it may have missed some. */
  get hasJoined(): boolean {
    return this.#renewal !== undefined;
  }

  /** Whether the lease may have run out. The others no longer wait for this node then. */
  get hasLapsed(): boolean {
    if (!this.#renewedAt) return false;
    const { date, steady } = this.#renewedAt;
    return Math.max(Date.now() - date, performance.now() - steady) >= this.leaseMs;
  }

  /**
   * Adds an answerer for a type of message. The returned function removes it. The answerer also gets the messages that
   * are only told; its answer to them is dropped.
   */
  answer(type: string, answerer: Answerer): () => void {
    return this.#answerers.add(type, answerer);
  }

  /**
   * Calls the listener when this node may have missed messages: its line was down or its process stood still. `hasLapsed`
   * says whether the others may not have waited for this node. The returned function removes the listener.
   */
  onGap(listener: (hasLapsed: boolean) => void): () => void {
    this.#gapListeners.add(listener);
    return () => {
      this.#gapListeners.delete(listener);
    };
  }

  /** Resolves once this node receives messages, and the others know that it is alive. */
  join(): Promise<void> {
    this.#joining ??= this.#join().catch((error) => {
      this.#joining = undefined;
      throw error;
    });
    return this.#joining;
  }

  /** Sends a message to all other nodes that have joined. */
  async tell(type: string, payload: unknown): Promise<void> {
    await this.#bus.publish(ALL_NODES, JSON.stringify({ type, payload, from: this.id } satisfies Message));
  }

  /**
   * Asks all nodes, or only those in `among`. This node can be one of them. Resolves when all live nodes that were asked
   * have answered, or after `timeoutMs`. Nodes in `silent`, and nodes without a lease, are asked but not waited for:
   * a process that stands still receives the question when it goes on.
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
    // The live nodes are read before the question is sent, so that no node that could receive it is left out.
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

  /** Whether this node hears itself within `timeoutMs`. If it does, listeners of `onGap` know of each gap before. */
  async hearsItself(timeoutMs: number): Promise<boolean> {
    await this.#listen();
    const waitedFor = new Set([this.id]);
    const put = (question: string) =>
      this.#bus.publish(this.#ownChannel(this.id), JSON.stringify({ question, node: this.id }));
    await this.#questions.ask(put, waitedFor, timeoutMs);
    return waitedFor.size === 0;
  }

  /** Leaves the other nodes, so that they no longer wait for this one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#renewal);
    this.#renewal = undefined;
    this.#gapListeners.clear();
    // A backend that is down must not keep the process from ending. The lease runs out by itself.
    if (this.#joining) await this.#leave();
    await this.#bus.close();
  }

  async #leave(): Promise<void> {
    const limit = new AbortController();
    const left = Promise.allSettled([this.#bus.dropLease(this.id), this.unlisted.drop()]);
    await Promise.race([left, delay(LEAVE_WITHIN_MS, undefined, { signal: limit.signal })]);
    // A pending delay would keep the process from ending.
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
    // The lease comes last: a node that counts as alive must already receive messages.
    await this.#renew();
    if (this.#isClosed) return;
    this.#renewal = setInterval(() => void this.#renew().catch(() => {}), this.leaseMs / 3);
    this.#renewal.unref();
  }

  /**
   * Subscribes to this node's own channel, for replies and for questions to this node alone. A node that only asks
   * receives nothing else.
   */
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
      // Most answers are not promises. Without an `await` their replies keep the order of the questions.
      answer = answering instanceof Promise ? await answering : answering;
    } catch {
      // The asking node still learns that this node is alive. The next revalidation does what failed here.
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
      // This is recorded at once. If the other renewal fails, the next call would no longer report the loss.
      if (wasKnown === false && !isFirst) this.#wasForgotten = true;
    });
    await Promise.all([renewed, this.unlisted.renew(this.leaseMs)]);
    // The answer came so late that the lease may have run out before, or the backend has lost the lease, maybe with
    // everything else. In both cases the other nodes did not wait for this one.
    const hasLapsed = this.hasLapsed || this.#wasForgotten;
    this.#wasForgotten = false;
    // The time before the call counts: the lease starts somewhere between the call and its answer.
    this.#renewedAt = renewedAt;
    // Listeners are called only now: other nodes clear up after a node without a lease, and would undo its work.
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
