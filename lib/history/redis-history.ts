import { setTimeout as delay } from "node:timers/promises";
import { ChannelNames } from "../bus/redis/channel-names.ts";
import { chunks } from "../calls/in-batches.ts";
import {
  isCluster,
  type RedisClient,
  RedisScript,
  readyClient,
  type ScriptCall,
} from "../redis-client/redis-client.ts";
import type { History, HistoryLimits, HistoryPage, HistoryRange, Position } from "./history.ts";
import {
  APPEND_SCRIPT,
  ENTER_CHANNEL_SCRIPT,
  POSITIONS_SCRIPT,
  READ_SCRIPT,
  RENEW_SCRIPT,
} from "./history-scripts.ts";
import { newEpoch } from "./new-epoch.ts";

const appendScript = new RedisScript(APPEND_SCRIPT);
const positionsScript = new RedisScript(POSITIONS_SCRIPT);
const readScript = new RedisScript(READ_SCRIPT);
const enterScript = new RedisScript(ENTER_CHANNEL_SCRIPT);
const renewScript = new RedisScript(RENEW_SCRIPT);

/** Channels whose positions one script reads, so that the script does not block other commands for long. */
const POSITIONS_AT_ONCE = 500;

/** The longest age that is passed to Redis: about 139 years. With more, an expiry would be out of its range. */
const LONGEST_MS = 2 ** 42;

/** Milliseconds until the second attempt, and until the last one. Each pause is twice as long as the one before. */
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 640;

/**
 * The history in Redis. One script numbers a message, keeps and publishes it, so the order of offsets is the order of
 * delivery.
 *
 * The keys of a channel are `history:{<name>}:at`, `:kept` and `:entered`. The name is that of the channel of the bus. On
 * a cluster the name has no braces, so the whole name is the hash tag of the keys, and they lie in the slot of the channel.
 */
export class RedisHistory implements History {
  readonly #client: () => RedisClient;
  readonly #prefix: string;
  readonly #names: ChannelNames;
  readonly #isCluster: boolean;

  constructor(client: RedisClient, prefix: string) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
    this.#names = new ChannelNames(client, prefix);
    this.#isCluster = isCluster(client);
  }

  async append(channel: string, message: string, limits: HistoryLimits): Promise<Position> {
    const name = await this.#names.of(channel);
    const { maxMessages, maxAgeSeconds } = limits;
    const publish = this.#isCluster ? "SPUBLISH" : "PUBLISH";
    const reply = this.#run(appendScript, {
      keys: this.#keys(name, "at", "kept"),
      arguments: [newEpoch(), message, counted(maxMessages), ms(maxAgeSeconds), publish, name],
    });
    return positionOf((await reply) as Reply);
  }

  async positions(channels: readonly string[]): Promise<Position[]> {
    const names = await Promise.all(channels.map((channel) => this.#names.of(channel)));
    // On a cluster the channels lie in different slots. All scripts are sent in one turn.
    const some = [...chunks(names, this.#isCluster ? 1 : POSITIONS_AT_ONCE)];
    return (await Promise.all(some.map((each) => this.#positions(each)))).flat();
  }

  async read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const name = await this.#names.of(channel);
    const { reader } = range;
    const limits = [range.after, range.upTo, range.limit, range.maxBytes].map(counted);
    const keys = this.#keys(name, "at", "kept", ...(reader === undefined ? [] : (["entered"] as const)));
    const args = [newEpoch(), ...limits, range.from, ms(range.maxAgeSeconds), reader ?? ""];
    const reply = (await this.#run(readScript, { keys, arguments: args })) as [
      ...Reply,
      number,
      number,
      string[],
    ];
    const [, , enteredAfter, first, page] = reply;
    const step = range.from === "oldest" ? 1 : -1;
    const messages = page.map((message, n) => ({ offset: Number(first) + step * n, message }));
    return {
      position: positionOf(reply),
      messages: step > 0 ? messages : messages.reverse(),
      enteredAfter: Number(enteredAfter),
    };
  }

  async enter(channel: string, userId: string, maxAgeSeconds: number): Promise<Position> {
    const keys = this.#keys(await this.#names.of(channel), "at", "kept", "entered");
    const call = { keys, arguments: [newEpoch(), userId, ms(maxAgeSeconds)] };
    return positionOf((await this.#run(enterScript, call)) as Reply);
  }

  async renew(channel: string, epoch: string): Promise<Position> {
    const keys = this.#keys(await this.#names.of(channel), "at", "kept");
    return positionOf((await this.#run(renewScript, { keys, arguments: [newEpoch(), epoch] })) as Reply);
  }

  async forget(channel: string): Promise<void> {
    const [key] = this.#keys(await this.#names.of(channel), "kept");
    await this.#client().del(key as string);
  }

  async #positions(names: readonly string[]): Promise<Position[]> {
    const keys = names.flatMap((name) => this.#keys(name, "at", "kept"));
    const reply = (await this.#run(positionsScript, { keys, arguments: [newEpoch()] })) as unknown[];
    return names.map((_, n) => positionOf(reply.slice(2 * n, 2 * n + 2) as Reply));
  }

  /**
   * Runs a script. While a slot moves between two servers, each may have some of the keys. Such a script has done nothing,
   * so it is sent again.
   */
  async #run(script: RedisScript, call: ScriptCall): Promise<unknown> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      try {
        return await script.run(this.#client(), call);
      } catch (error) {
        const isMoving = error instanceof Error && error.message.startsWith("TRYAGAIN");
        if (!isMoving || pauseMs > LAST_PAUSE_MS) throw error;
        await delay(pauseMs);
      }
    }
  }

  #keys(name: string, ...kinds: readonly ("at" | "kept" | "entered")[]): string[] {
    return kinds.map((kind) => `${this.#prefix}history:{${name}}:${kind}`);
  }
}

/** An epoch and an offset. */
type Reply = [epoch: string, offset: number];

function positionOf([epoch, offset]: readonly [string, number, ...unknown[]]): Position {
  return { epoch, offset: Number(offset) };
}

/** A number in the form that scripts take. */
function counted(number: number): string {
  return String(Math.min(number, Number.MAX_SAFE_INTEGER));
}

function ms(seconds: number): string {
  return String(Math.min(Math.ceil(seconds * 1000), LONGEST_MS));
}
