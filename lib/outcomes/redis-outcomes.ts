import { type RedisClient, RedisScript, readyClient } from "../redis-client/redis-client.ts";
import type { Outcomes } from "./outcomes.ts";

/**
 * Claims a name, unless it has an outcome or a claim already. Returns what it has.
 *
 * KEYS[1]  the outcome of one name, a STRING, empty while there is none
 * ARGV[1]  milliseconds to live
 */
const CLAIM_SCRIPT = `
local kept = redis.call('GET', KEYS[1])
if not kept then redis.call('SET', KEYS[1], '', 'PX', ARGV[1]) end
return kept
`;

const claimScript = new RedisScript(CLAIM_SCRIPT);

/** Keeps outcomes in Redis, at `<prefix>outcome:<name>`: a STRING that expires. */
export class RedisOutcomes implements Outcomes {
  readonly #client: () => RedisClient;
  readonly #prefix: string;

  constructor(client: RedisClient, prefix: string) {
    this.#client = readyClient(client);
    this.#prefix = `${prefix}outcome:`;
  }

  async claim(name: string, lifeMs: number): Promise<string | undefined> {
    const call = { keys: [this.#prefix + name], arguments: [String(lifeMs)] };
    return textOf(await claimScript.run(this.#client(), call));
  }

  async read(name: string): Promise<string | undefined> {
    return textOf(await this.#client().get(this.#prefix + name));
  }

  async keep(name: string, outcome: string, lifeMs: number): Promise<void> {
    await this.#client().set(this.#prefix + name, outcome, { PX: lifeMs });
  }

  async release(name: string): Promise<void> {
    await this.#client().del(this.#prefix + name);
  }
}

function textOf(reply: unknown): string | undefined {
  return reply == null ? undefined : String(reply);
}
