import { createHash } from "node:crypto";
import { keyTaken } from "../errors.ts";
import { namesOf } from "../options/options-object.ts";

/** The arguments of a script call: keys of one slot, and values. */
export interface ScriptCall {
  /** The keys, all of one slot. */
  keys: string[];
  /** The values of ARGV. */
  arguments: string[];
}

/**
 * Whether the client is a cluster. A cluster sends commands to different servers by key, so nothing promises their
 * order across keys.
 */
export function isCluster(client: RedisClient): boolean {
  return "masters" in client;
}

/**
 * Returns the prefix of all keys and channels of a backend except its sessions. It never equals the prefix of another
 * app's sessions, whatever `prefix` is. With a text such as `ess:` instead, the prefix `s` would make `sess:`.
 */
export function ownPrefix(prefix: string): string {
  return `${prefix}session-stack:`;
}

/** Options of how commands are sent and answered. All members are node-redis's. */
export interface RedisCommandOptions {
  /** Milliseconds that a command may wait for its connection. */
  timeout?: number;
  /** Whether a command overtakes the waiting ones. */
  asap?: boolean;
  /** The classes of answers, by their type in the protocol. */
  typeMapping?: Record<never, never>;
}

/**
 * The part of node-redis (5 or 6) that this package uses: a client, a cluster or a sentinel that the app connects. All
 * members are node-redis's.
 */
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

/** A separate connection for what must not wait behind commands. All members are node-redis's. */
export interface RedisSubscriber {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
  sSubscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  sUnsubscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
}

/** Returns the options that this client sends its commands with. */
export function commandOptionsOf(client: RedisClient): RedisCommandOptions {
  const known = client as { commandOptions?: RedisCommandOptions; _commandOptions?: RedisCommandOptions };
  const options: Record<string, unknown> = {};
  const given = (known.commandOptions ?? known._commandOptions ?? {}) as Record<string, unknown>;
  // A spread would miss inherited members: in node-redis 5 the options of derived clients inherit from those of the
  // first.
  for (const name of namesOf(given)) options[name] = given[name];
  return options;
}

/** Returns the prefix that node-redis 6 puts before each key, but before no channel. */
export function keyPrefixOf(client: RedisClient): string {
  return String((client as { _keyPrefix?: unknown })._keyPrefix ?? "");
}

/**
 * Returns the app's client with its options, except those that change the classes of answers or the order of
 * commands. The app's own commands stay as they are.
 */
export function plainClient(client: RedisClient, options: RedisCommandOptions = {}): RedisClient {
  const plain = { ...commandOptionsOf(client), asap: false, typeMapping: {}, ...options };
  return client.withCommandOptions?.(plain) ?? client;
}

/** The commands whose errors this package rewords. */
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

/**
 * Returns a plain client whose errors tell a key of another program from a failing Redis, and which quote no
 * arguments.
 */
export function askedClient(client: RedisClient, options?: RedisCommandOptions): RedisClient {
  const plain = plainClient(client, options) as unknown as Record<string, Command>;
  const asked = COMMANDS.map((name) => {
    const value = (...args: never[]) => (plain[name] as Command)(...args).catch(tellOfFailure);
    return [name, { value }] as const;
  });
  return Object.create(plain, Object.fromEntries(asked)) as RedisClient;
}

/** After these words Redis quotes the arguments of a command that it does not know: ids, contents and messages. */
const ARGUMENTS = /,? with args beginning with:.*$/s;

function tellOfFailure(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  // In errors of scripts this word stands behind other words, depending on the version of Redis.
  if (/\bWRONGTYPE\b/.test(error.message)) throw keyTaken(error);
  if (ARGUMENTS.test(error.message)) throw new Error(error.message.replace(ARGUMENTS, ""));
  throw error;
}

/**
 * Returns a function that returns the client to use now. node-redis 6 gives each command an AbortSignal that ends its
 * waiting in the queue, and this costs more than the command. A connection that is up has no queue, and the stack
 * bounds the answers itself.
 */
export function readyClient(client: RedisClient): () => RedisClient {
  const queued = askedClient(client);
  const unqueued = askedClient(client, { timeout: 0 });
  return () => (client.isReady ? unqueued : queued);
}

/** A Lua script that is sent by its hash. The whole text is sent only to a server that does not know it yet. */
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
      // A restarted server, or a replica that took over, has not seen the script.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return client.eval(this.#text, call);
    }
  }
}
