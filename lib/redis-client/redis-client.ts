import { createHash } from "node:crypto";
import { keyTaken } from "../errors.ts";
import { namesOf } from "../options/options-object.ts";

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

/**
 * What stands before every key and channel of a backend but its sessions, behind its prefix. No prefix makes of it the
 * start of another app's sessions, as `s` would of `ess:`.
 */
export function ownPrefix(prefix: string): string {
  return `${prefix}session-stack:`;
}

/** How commands are sent and answered. All members are node-redis's. */
export interface RedisCommandOptions {
  /** Milliseconds that a command may wait for its line. */
  timeout?: number;
  /** Whether a command overtakes those that wait. */
  asap?: boolean;
  /** What answers are made of, by their type in the protocol. */
  typeMapping?: Record<never, never>;
}

/** The part of node-redis (5 or 6) that is used: a client, a cluster or a sentinel, connected by the app. All members are node-redis's. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  getDel(key: string): Promise<unknown>;
  expire(key: string, seconds: number): Promise<unknown>;
  pTTL(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
  exists(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number }): Promise<unknown>;
  type(key: string): Promise<unknown>;
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
  clientInfo?(): Promise<unknown>;
  readonly isReady: boolean;
  withCommandOptions?(options: RedisCommandOptions): RedisClient;
  duplicate(): RedisSubscriber;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off?(event: string, listener: (...args: unknown[]) => void): unknown;
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

/** The options that commands of this client are sent with. */
export function commandOptionsOf(client: RedisClient): RedisCommandOptions {
  const known = client as { commandOptions?: RedisCommandOptions; _commandOptions?: RedisCommandOptions };
  const options: Record<string, unknown> = {};
  const given = (known.commandOptions ?? known._commandOptions ?? {}) as Record<string, unknown>;
  // Not a spread: node-redis 5 lets the options of derived clients inherit from those of the first.
  for (const name of namesOf(given)) options[name] = given[name];
  return options;
}

/** What node-redis (6) puts before each key, but before no channel. */
export function keyPrefixOf(client: RedisClient): string {
  return String((client as { _keyPrefix?: unknown })._keyPrefix ?? "");
}

/**
 * The app's client with its options, but for those that change what answers are made of, or the order of commands.
 * The app's own commands stay as they are.
 */
export function plainClient(client: RedisClient, options: RedisCommandOptions = {}): RedisClient {
  const plain = { ...commandOptionsOf(client), asap: false, typeMapping: {}, ...options };
  return client.withCommandOptions?.(plain) ?? client;
}

/** The commands whose errors are told in words of this package's own. */
const COMMANDS = [
  ...([
    "del",
    "eval",
    "evalSha",
    "exists",
    "expire",
    "get",
    "getDel",
    "hDel",
    "hGet",
    "hSet",
    "hmGet",
  ] as const),
  ...(["hRandFieldCountWithValues", "pTTL", "publish", "sAdd", "sIsMember", "sMembers", "sPublish"] as const),
  ...(["sRem", "set", "type", "zRange", "zRangeByScoreWithScores", "zRangeWithScores", "zRem"] as const),
  "zScore",
] satisfies readonly (keyof RedisClient)[];

type Command = (...args: never[]) => Promise<unknown>;

/** A plain client that tells a key of somebody else's from a Redis that fails, and nobody what it was sent. */
export function askedClient(client: RedisClient, options?: RedisCommandOptions): RedisClient {
  const plain = plainClient(client, options) as unknown as Record<string, Command>;
  const asked = COMMANDS.map((name) => {
    const value = (...args: never[]) => (plain[name] as Command)(...args).catch(tellOfFailure);
    return [name, { value }] as const;
  });
  return Object.create(plain, Object.fromEntries(asked)) as RedisClient;
}

/** Behind these words Redis quotes ids, contents and messages: the arguments of a command that it does not know. */
const ARGUMENTS = /,? with args beginning with:.*$/s;

function tellOfFailure(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  // Of scripts it stands behind other words, by the version of Redis.
  if (/\bWRONGTYPE\b/.test(error.message)) throw keyTaken(error);
  if (ARGUMENTS.test(error.message)) throw new Error(error.message.replace(ARGUMENTS, ""));
  throw error;
}

/**
 * Answers with the client to ask now. node-redis 6 gives each command an AbortSignal that ends its waiting in the
 * queue, which costs more than the command; a line that is up has no queue, and the answers are bounded by the stack.
 */
export function readyClient(client: RedisClient): () => RedisClient {
  const queued = askedClient(client);
  const unqueued = askedClient(client, { timeout: 0 });
  return () => (client.isReady ? unqueued : queued);
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
