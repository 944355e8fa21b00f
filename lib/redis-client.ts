import { createHash } from "node:crypto";

/** What a script is called with: keys of one slot, and arguments. */
export interface ScriptCall {
  /** All of one slot. */
  keys: string[];
  /** What stands in ARGV. */
  arguments: string[];
}

/** Whether commands go to servers of their own by key, so that their order between keys is nobody's promise. */
export function isCluster(client: RedisClient): boolean {
  return "masters" in client;
}

/** The part of node-redis (5 or 6) that is used: a client, a cluster or a sentinel, connected by the app. All members are node-redis's. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  getDel(key: string): Promise<unknown>;
  expire(key: string, seconds: number): Promise<unknown>;
  pTTL(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
  exists(key: string): Promise<unknown>;
  hSet(key: string, values: Record<string, string>): Promise<unknown>;
  hGet(key: string, field: string): Promise<unknown>;
  hDel(key: string, fields: string[]): Promise<unknown>;
  hmGet(key: string, fields: string[]): Promise<unknown>;
  hRandFieldCountWithValues(key: string, count: number): Promise<unknown>;
  sAdd(key: string, member: string): Promise<unknown>;
  sRem(key: string, member: string): Promise<unknown>;
  sMembers(key: string): Promise<unknown>;
  sIsMember(key: string, member: string): Promise<unknown>;
  zRange(key: string, start: number, stop: number): Promise<unknown>;
  zRem(key: string, members: string[]): Promise<unknown>;
  zScore(key: string, member: string): Promise<unknown>;
  zRangeWithScores(key: string, start: number, stop: number): Promise<unknown>;
  zRangeByScoreWithScores(
    key: string,
    min: string,
    max: string,
    options: { LIMIT: { offset: number; count: number } },
  ): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  sPublish(channel: string, message: string): Promise<unknown>;
  eval(script: string, call: ScriptCall): Promise<unknown>;
  evalSha(sha1: string, call: ScriptCall): Promise<unknown>;
  readonly isReady: boolean;
  withCommandOptions?(options: { timeout: number }): RedisClient;
  duplicate(): RedisSubscriber;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A connection of its own, for what must not wait behind commands. All members are node-redis's. */
export interface RedisSubscriber {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
  sSubscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  sUnsubscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
}

/**
 * Answers with the client to ask now. node-redis 6 gives each command an AbortSignal that ends its waiting in the
 * queue, which costs more than the command; a line that is up has no queue, and the answers are bounded by the stack.
 */
export function readyClient(client: RedisClient): () => RedisClient {
  const unqueued = client.withCommandOptions?.({ timeout: 0 }) ?? client;
  return () => (client.isReady ? unqueued : client);
}

/** A Lua script that is sent by its hash, and whole only to a server that does not know it yet. */
export class RedisScript {
  readonly #text: string;
  readonly #sha1: string;

  constructor(text: string) {
    this.#text = text;
    this.#sha1 = createHash("sha1").update(text).digest("hex");
  }

  async run(client: RedisClient, call: ScriptCall): Promise<unknown> {
    try {
      return await client.evalSha(this.#sha1, call);
    } catch (error) {
      // A server that was restarted, or a replica that took over, has not seen the script.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return client.eval(this.#text, call);
    }
  }
}
