import { isText } from "../is-text.ts";
import { type RedisClient, RedisScript, readyClient } from "../redis-client.ts";
import { checkedLifeMs } from "../sessions/checked-life.ts";
import {
  ENTER_SCRIPT,
  NEVER,
  REMOVE_MARKED_SCRIPT,
  REMOVE_REVOKED_SCRIPT,
  REMOVE_SCRIPT,
  REVOKE_SCRIPT,
} from "./index-scripts.ts";
import type { IndexEntry, SessionIndex } from "./session-index.ts";

const enterScript = new RedisScript(ENTER_SCRIPT);
const removeScript = new RedisScript(REMOVE_SCRIPT);
const removeRevokedScript = new RedisScript(REMOVE_REVOKED_SCRIPT);
const removeMarkedScript = new RedisScript(REMOVE_MARKED_SCRIPT);
const revokeScript = new RedisScript(REVOKE_SCRIPT);

/** The index in Redis: `user:<id>:sessions`, a ZSET of session id to expiry. */
export class RedisSessionIndex implements SessionIndex {
  readonly #client: () => RedisClient;
  readonly #prefix: string;

  constructor(client: RedisClient, prefix: string) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
  }

  async enter(userId: string, sid: string, lifeMs: number): Promise<void> {
    await this.#enter(userId, sid, lifeMs, "NX");
  }

  async confirm(userId: string, sid: string): Promise<boolean> {
    return ((await this.mark(userId, sid)) ?? 0) > 0;
  }

  async extend(userId: string, sid: string, lifeMs: number): Promise<boolean> {
    return this.#enter(userId, sid, lifeMs, "XX");
  }

  async revoke(userId: string, exceptSid: string | undefined): Promise<string[]> {
    return this.#revoke(userId, "except", exceptSid ?? "");
  }

  async revokeOne(userId: string, sid: string): Promise<boolean> {
    return (await this.#revoke(userId, "only", sid)).length > 0;
  }

  async remove(userId: string, sids: readonly string[]): Promise<void> {
    if (sids.length === 0) return;
    await removeScript.run(this.#client(), { keys: [this.#key(userId)], arguments: [...sids] });
  }

  async entries(userId: string): Promise<IndexEntry[]> {
    const found = (await this.#client().zRangeWithScores(this.#key(userId), 0, -1)) as {
      value: string;
      score: number;
    }[];
    return found
      .filter(({ score }) => score > 0)
      .map(({ value, score }) => ({
        sid: value,
        expiresAt: score < NEVER ? score : Number.POSITIVE_INFINITY,
      }));
  }

  async mark(userId: string, sid: string): Promise<number | undefined> {
    const score = await this.#client().zScore(this.#key(userId), sid);
    return score === null ? undefined : Number(score);
  }

  async removeRevoked(userId: string, sids: readonly string[]): Promise<void> {
    if (sids.length === 0) return;
    await removeRevokedScript.run(this.#client(), { keys: [this.#key(userId)], arguments: [...sids] });
  }

  async removeMarked(userId: string, sid: string, mark: number): Promise<void> {
    await removeMarkedScript.run(this.#client(), {
      keys: [this.#key(userId)],
      arguments: [sid, String(mark)],
    });
  }

  async #enter(userId: string, sid: string, lifeMs: number, condition: "NX" | "XX"): Promise<boolean> {
    const life = checkedLifeMs(lifeMs) === Number.POSITIVE_INFINITY ? "inf" : String(Math.ceil(lifeMs));
    const call = { keys: [this.#key(userId)], arguments: [sid, life, condition] };
    return (await enterScript.run(this.#client(), call)) === 1;
  }

  async #revoke(userId: string, which: "except" | "only", sid: string): Promise<string[]> {
    const call = { keys: [this.#key(userId)], arguments: [which, sid] };
    return (await revokeScript.run(this.#client(), call)) as string[];
  }

  /** The id stands between two fixed words and ends before the last colon: no two ids have one key. */
  #key(userId: string): string {
    // Redis takes bytes, and half of a surrogate pair has none: all of them would be one user.
    if (!isText(userId)) throw new TypeError("a user id must be well-formed Unicode");
    return `${this.#prefix}user:${userId}:sessions`;
  }
}
