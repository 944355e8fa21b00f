import { chunks } from "../../calls/in-batches.ts";
import { isText } from "../../names/is-text.ts";
import { type RedisClient, RedisScript, readyClient } from "../../redis-client/redis-client.ts";
import { checkedLifeMs } from "../../sessions/checked-life.ts";
import {
  ENTER_SCRIPT,
  NEVER,
  REMOVE_MARKED_SCRIPT,
  REMOVE_REVOKED_SCRIPT,
  REMOVE_SCRIPT,
  REVOKE_ONE_SCRIPT,
  REVOKE_SCRIPT,
} from "./index-scripts.ts";
import type { IndexEntry, SessionIndex } from "./session-index.ts";

const enterScript = new RedisScript(ENTER_SCRIPT);
const removeScript = new RedisScript(REMOVE_SCRIPT);
const removeRevokedScript = new RedisScript(REMOVE_REVOKED_SCRIPT);
const removeMarkedScript = new RedisScript(REMOVE_MARKED_SCRIPT);
const revokeScript = new RedisScript(REVOKE_SCRIPT);
const revokeOneScript = new RedisScript(REVOKE_ONE_SCRIPT);

/** Entries that one script removes at most, so that the script does not block other commands for long. */
const REMOVED_AT_ONCE = 1000;

interface ScoredMember {
  readonly value: string;
  readonly score: number;
}

/** The index in Redis: `user:<id>:sessions`, a ZSET of session id to expiry. */
export class RedisSessionIndex implements SessionIndex {
  readonly #client: () => RedisClient;
  readonly #prefix: string;

  constructor(client: RedisClient, prefix: string) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
  }

  async enter(userId: string, sid: string, lifeMs: number): Promise<void> {
    await this.#enter(userId, sid, lifeMs, "enter");
  }

  async confirm(userId: string, sid: string): Promise<boolean> {
    return ((await this.mark(userId, sid)) ?? 0) > 0;
  }

  async extend(userId: string, sid: string, lifeMs: number): Promise<boolean> {
    return this.#enter(userId, sid, lifeMs, "extend");
  }

  async shorten(userId: string, sid: string, lifeMs: number, mark: number): Promise<void> {
    await this.#enter(userId, sid, lifeMs, String(mark));
  }

  async revoke(userId: string, exceptSid: string | undefined, limit: number = Infinity): Promise<string[]> {
    const which = exceptSid === undefined ? "all" : "except";
    const call = { keys: [this.#key(userId)], arguments: [which, exceptSid ?? "", String(counted(limit))] };
    return (await revokeScript.run(this.#client(), call)) as string[];
  }

  async revoked(userId: string, limit: number = Infinity): Promise<string[]> {
    const found = await this.#range(userId, 0, limit === Infinity ? -1 : limit - 1);
    return found.filter(({ score }) => score < 0).map(({ value }) => value);
  }

  async revokeOne(userId: string, sid: string): Promise<boolean> {
    const call = { keys: [this.#key(userId)], arguments: [sid] };
    return (await revokeOneScript.run(this.#client(), call)) === 1;
  }

  async remove(userId: string, sids: readonly string[]): Promise<void> {
    await this.#remove(removeScript, userId, sids);
  }

  async entries(
    userId: string,
    limit: number = Infinity,
    which: "first" | "last" = "last",
  ): Promise<IndexEntry[]> {
    const found = await (which === "first" ? this.#first(userId, limit) : this.#last(userId, limit));
    return found.map(({ value, score }) => ({ sid: value, expiresAt: score < NEVER ? score : Infinity }));
  }

  async mark(userId: string, sid: string): Promise<number | undefined> {
    const score = await this.#client().zScore(this.#key(userId), sid);
    return score === null ? undefined : Number(score);
  }

  async removeRevoked(userId: string, sids: readonly string[]): Promise<void> {
    await this.#remove(removeRevokedScript, userId, sids);
  }

  async removeMarked(userId: string, sid: string, mark: number): Promise<void> {
    await removeMarkedScript.run(this.#client(), {
      keys: [this.#key(userId)],
      arguments: [sid, String(mark)],
    });
  }

  async #enter(userId: string, sid: string, lifeMs: number, how: string): Promise<boolean> {
    const life = checkedLifeMs(lifeMs) === Number.POSITIVE_INFINITY ? "inf" : String(Math.ceil(lifeMs));
    const call = { keys: [this.#key(userId)], arguments: [sid, life, how] };
    return (await enterScript.run(this.#client(), call)) === 1;
  }

  async #remove(script: RedisScript, userId: string, sids: readonly string[]): Promise<void> {
    for (const some of chunks(sids, REMOVED_AT_ONCE))
      await script.run(this.#client(), { keys: [this.#key(userId)], arguments: some });
  }

  /** Reads the entries that expire first. Revoked entries have scores below zero and are skipped. */
  async #first(userId: string, limit: number): Promise<ScoredMember[]> {
    const options = { LIMIT: { offset: 0, count: counted(limit) } };
    const found = this.#client().zRangeByScoreWithScores(this.#key(userId), "(0", "+inf", options);
    return (await found) as ScoredMember[];
  }

  async #last(userId: string, limit: number): Promise<ScoredMember[]> {
    const found = await this.#range(userId, limit === Infinity ? 0 : -limit, -1);
    return found.filter(({ score }) => score > 0).reverse();
  }

  async #range(userId: string, start: number, stop: number): Promise<ScoredMember[]> {
    return (await this.#client().zRangeWithScores(this.#key(userId), start, stop)) as ScoredMember[];
  }

  /** The user id stands between two fixed words and ends before the last colon, so two ids never share a key. */
  #key(userId: string): string {
    // Redis takes bytes, and a lone surrogate has no bytes of its own. All ids with one would name the same user.
    if (!isText(userId)) throw new TypeError("a user id must be well-formed Unicode");
    return `${this.#prefix}user:${userId}:sessions`;
  }
}

/** Converts a limit to the form that Redis takes. */
function counted(limit: number): number {
  return limit === Infinity ? -1 : limit;
}
