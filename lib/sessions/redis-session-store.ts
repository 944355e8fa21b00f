import { RedisStore } from "connect-redis";
import type { SessionData } from "express-session";
import { answered, type Callback, done } from "../calls/callback.ts";
import { chunks } from "../calls/in-batches.ts";
import { SharedReads } from "../calls/shared-reads.ts";
import { isKeyTaken, isSessionUnreadable } from "../errors.ts";
import { optionsCheck } from "../options/options-check.ts";
import { over } from "../options/options-object.ts";
import { assertClientOf } from "../redis-client/assert-redis-client.ts";
import { ownPrefix, type RedisClient, RedisScript, readyClient } from "../redis-client/redis-client.ts";
import { keysOf, scanningClient } from "../redis-client/scanning-client.ts";
import { comparableJson } from "./data/comparable-json.ts";
import { expiryOf } from "./data/session-cookie.ts";
import { storedJson } from "./data/stored-json.ts";
import { checkedTtl } from "./redis/checked-ttl.ts";
import { REDIS_STORE_RULES, type RedisSessionStoreOptions } from "./redis/redis-session-store-options.ts";
import { TOUCH_SCRIPT, WRITE_SCRIPT } from "./redis/write-script.ts";
import { type EndReason, SessionEndings } from "./session-endings.ts";
import type {
  Base,
  SessionSerializer,
  SessionSnapshot,
  SessionStore,
  StoredSession,
  WriteResult,
} from "./session-store.ts";
import { assertSessionData, REPLACED_KNOWN_MS, sessionUnreadable } from "./session-store.ts";

const checked = optionsCheck<RedisSessionStoreOptions>("RedisSessionStore", REDIS_STORE_RULES);

const writeScript = new RedisScript(WRITE_SCRIPT);
const touchScript = new RedisScript(TOUCH_SCRIPT);

/** How many sessions `clear` ends, or a walk reads, at a time. */
const AT_ONCE = 100;

/**
 * connect-redis's store with the same keys and values, but each session is written in one atomic step.
 *
 * This store reads sessions that plain connect-redis has written, and plain connect-redis reads those of this store.
 */
export class RedisSessionStore extends RedisStore implements SessionStore {
  readonly endings: SessionEndings = new SessionEndings();
  readonly #client: () => RedisClient;
  readonly #replacedPrefix: string;
  readonly #texts = new SharedReads((sid) => this.#client().get(this.prefix + sid));

  constructor(options: RedisSessionStoreOptions) {
    assertClientOf("RedisSessionStore", options, false);
    const config = checked(options);
    super(over(config, { client: scanningClient(config.client) }));
    // connect-redis's own methods call it, too.
    if (typeof this.ttl === "function") this.ttl = checkedTtl(this.ttl);
    this.#client = readyClient(options.client);
    // This prefix does not begin with the prefix of sessions. Otherwise its keys would be taken for sessions.
    this.#replacedPrefix = `${ownPrefix((config.prefix ?? "sess:").replace(/sess:$/, ""))}replaced:`;
  }

  get expressStore(): this {
    return this;
  }

  read(sid: string): Promise<StoredSession | undefined> {
    return this.#texts.read(sid).then((text) => {
      if (!text) return undefined;
      return this.#isJson() ? storedJson(String(text)) : this.#parse(String(text));
    });
  }

  async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    const seconds = this.#ttlSeconds(next.data);
    if (seconds <= 0) {
      await this.remove(sid, "session_ended");
      return { outcome: "expired" };
    }
    this.#texts.forget(sid);
    const version = this.#isJson() ? next.json : (next.text ?? this.serializer.stringify(next.data));
    const reply = await writeScript.run(this.#client(), {
      keys: [this.prefix + sid],
      arguments: [base?.version ?? "", version, this.disableTTL ? "" : String(seconds)],
    });
    if (reply === 1) return { outcome: "written", version };
    const current = String(reply);
    return current ? { outcome: "changed", current: await this.#parse(current) } : { outcome: "deleted" };
  }

  async refresh(sid: string, data: SessionData, version?: string): Promise<boolean> {
    if (this.disableTTL || this.disableTouch) return true;
    const seconds = this.#ttlSeconds(data);
    if (seconds > 0) return this.#expire(this.prefix + sid, seconds, version);
    await this.remove(sid, "session_ended");
    return false;
  }

  async remove(sid: string, reason?: EndReason): Promise<boolean> {
    this.#texts.forget(sid);
    // This key is set first. A request with the old id that finds no session must find this key.
    if (reason === "session_replaced")
      await this.#client().set(this.#replacedPrefix + sid, "1", { PX: REPLACED_KNOWN_MS });
    const text = await this.#client()
      .getDel(this.prefix + sid)
      .catch((error) => this.endings.doubt(sid, error));
    const wasThere = text !== null;
    if (!reason) return wasThere;
    // An unreadable session has no user either.
    const stored = text ? await this.#parse(String(text)).catch(() => undefined) : undefined;
    await this.endings.announce({ sid, reason, data: stored?.data });
    return wasThere;
  }

  async wasReplaced(sid: string): Promise<boolean> {
    return Number(await this.#client().exists(this.#replacedPrefix + sid)) > 0;
  }

  lifeMs(data: SessionData): number {
    return this.disableTTL ? Number.POSITIVE_INFINITY : this.#ttlSeconds(data) * 1000;
  }

  async *walk(): AsyncIterable<[string, SessionData]> {
    for await (const sids of this.#sids()) {
      const found = await Promise.all(sids.map((sid) => this.read(sid).catch(notASession)));
      for (const [at, sid] of sids.entries()) {
        const stored = found[at];
        if (stored) yield [sid, stored.data];
      }
    }
  }

  async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    // All commands are sent together: node-redis writes the commands of one tick as a pipeline.
    const replies = await Promise.all(sids.map((sid) => this.#client().pTTL(this.prefix + sid)));
    const now = Date.now();
    return replies.map((reply) => {
      const ms = Number(reply);
      if (ms === -2) return undefined;
      return ms === -1 ? Number.POSITIVE_INFINITY : now + ms;
    });
  }

  /** Stores a session when an app asks for it through `req.sessionStore`. */
  override async set(sid: string, data: SessionData, callback?: Callback<void>): Promise<void> {
    try {
      // connect-redis computes the life where its error reaches nobody, and treats NaN as a session that is over.
      this.#ttlSeconds(data);
    } catch (error) {
      if (!callback) throw error;
      callback(error);
      return;
    }
    this.#texts.forget(sid);
    await super.set(sid, data, callback);
  }

  /** Ends a session when an app asks for it through `req.sessionStore`. */
  override async destroy(sid: string, callback?: Callback<void>): Promise<void> {
    return answered(done(this.remove(sid, "session_ended")), callback);
  }

  /** Moves a session's expiry. If the session is over by that, it is ended and announced like any other. */
  override async touch(sid: string, data: SessionData, callback?: Callback<void>): Promise<void> {
    return answered(done(this.refresh(sid, data)), callback);
  }

  /** Ends all sessions, some at a time. Keys of other programs under the prefix stay as they are. */
  override async clear(callback?: Callback<void>): Promise<void> {
    return answered(this.#clear(), callback);
  }

  /** Returns the ids of all sessions. */
  override async ids(callback?: Callback<string[]>): Promise<string[]> {
    return answered(this.#ids(), callback);
  }

  /** Returns the number of sessions. */
  override async length(callback?: Callback<number>): Promise<number> {
    return answered(
      this.#ids().then(({ length }) => length),
      callback,
    );
  }

  /** Returns all readable sessions, each with its id. */
  override async all(callback?: Callback<SessionData[]>): ReturnType<RedisStore["all"]> {
    return answered(this.#all(), callback);
  }

  async #clear(): Promise<void> {
    const leave = (error: unknown) => {
      if (!isKeyTaken(error)) throw error;
    };
    for await (const sids of this.#sids())
      await Promise.all(sids.map((sid) => this.remove(sid, "session_ended").catch(leave)));
  }

  async #ids(): Promise<string[]> {
    const ids = new Set<string>();
    for await (const sids of this.#sids()) for (const sid of sids) ids.add(sid);
    return [...ids];
  }

  async #all(): Promise<SessionData[]> {
    const sessions = new Map<string, SessionData>();
    for await (const [id, data] of this.walk()) sessions.set(id, Object.assign(data, { id }));
    return [...sessions.values()];
  }

  /** Iterates over the ids of all sessions in bounded batches: a reply of SCAN may be of any size. Some come twice. */
  async *#sids(): AsyncIterable<string[]> {
    for await (const keys of keysOf(this.client, `${this.prefix}*`, this.scanCount))
      yield* chunks(
        [...new Set(keys)].map((key) => key.slice(this.prefix.length)),
        AT_ONCE,
      );
  }

  async #expire(key: string, seconds: number, version: string | undefined): Promise<boolean> {
    const call = { keys: [key], arguments: [version ?? "", String(seconds)] };
    const reply =
      version === undefined ? this.#client().expire(key, seconds) : touchScript.run(this.#client(), call);
    return Number(await reply) === 1;
  }

  #isJson(): boolean {
    return this.serializer === (JSON as SessionSerializer);
  }

  async #parse(text: string): Promise<StoredSession> {
    if (this.#isJson()) return storedJson(text);
    try {
      const data = await this.serializer.parse(text);
      assertSessionData(data);
      return { data, version: text, json: comparableJson(data) };
    } catch {
      // The parser's own error is not passed on, because it quotes the text.
      throw sessionUnreadable();
    }
  }

  #ttlSeconds(data: SessionData): number {
    if (typeof this.ttl === "function") return this.ttl(data);
    const expires = expiryOf(data.cookie?.expires);
    return expires ? Math.ceil((expires.getTime() - Date.now()) / 1000) : this.ttl;
  }
}

/** Ignores the error of a value that is no session. It throws any other error, which may stand for a session that lives. */
function notASession(error: unknown): undefined {
  if (!isSessionUnreadable(error) && !isKeyTaken(error)) throw error;
}
