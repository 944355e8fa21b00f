import { RedisStore } from "connect-redis";
import type { SessionData } from "express-session";
import { assertRedisClient } from "../assert-redis-client.ts";
import { type RedisClient, RedisScript, readyClient } from "../redis-client.ts";
import { type Callback, callBack } from "./callback.ts";
import { scanningClient } from "./scanning-client.ts";
import { type EndReason, SessionEndings } from "./session-endings.ts";
import type { Base, SessionSnapshot, SessionStore, StoredSession, WriteResult } from "./session-store.ts";
import { assertSessionData, sessionUnreadable } from "./session-store.ts";
import { WRITE_SCRIPT } from "./write-script.ts";

/** Turns a session into the text that Redis holds, and back, as connect-redis takes it. */
export interface SessionSerializer {
  /** Reads what `stringify` has written. Throws, or rejects, if it is none. */
  parse(text: string): SessionData | Promise<SessionData>;
  /** Writes a session as text; the same for the same data. */
  stringify(data: SessionData): string;
}

/** Options of {@link RedisSessionStore}: those of connect-redis, with its names and defaults. */
export interface RedisSessionStoreOptions {
  /** A connected node-redis client, cluster or sentinel. */
  client: RedisClient;
  /** What stands before the session id in the key. @default "sess:" */
  prefix?: string;
  /** Seconds that a session lives whose cookie has no expiry of its own; a function decides for every session. @default 86_400 */
  ttl?: number | ((data: SessionData) => number);
  /** How sessions are written. @default JSON */
  serializer?: SessionSerializer;
  /** Keys that never expire. @default false */
  disableTTL?: boolean;
  /** Only a save moves the expiry. @default false */
  disableTouch?: boolean;
  /** Keys that a SCAN of `all`, `ids`, `length` and `clear` asks for at a time. @default 100 */
  scanCount?: number;
}

const writeScript = new RedisScript(WRITE_SCRIPT);

/**
 * connect-redis's store, with the same keys and values, whose sessions are written by one atomic step.
 *
 * Sessions that plain connect-redis has written are read, and the other way round.
 */
export class RedisSessionStore extends RedisStore implements SessionStore {
  readonly endings: SessionEndings = new SessionEndings();
  readonly #client: () => RedisClient;

  constructor(options: RedisSessionStoreOptions) {
    assertRedisClient("RedisSessionStore", options?.client, false);
    super({ ...options, client: scanningClient(options.client) });
    this.#client = readyClient(options.client);
    // connect-redis scans with the prefix as a pattern: with "[" nothing is found, with "*" what is others'.
    if (/[\\*?[\]]/.test(this.prefix)) {
      throw new TypeError('RedisSessionStore: option "prefix" must not contain any of * ? [ ] and backslash');
    }
  }

  get expressStore(): this {
    return this;
  }

  read(sid: string): Promise<StoredSession | undefined> {
    return this.#client()
      .get(this.prefix + sid)
      .then((text) => {
        if (!text) return undefined;
        return this.#isJson() ? parseJson(String(text)) : this.#parse(String(text));
      });
  }

  async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    const seconds = this.#ttlSeconds(next.data);
    if (seconds <= 0) {
      await this.remove(sid, "session_ended");
      return { outcome: "expired" };
    }
    const version = this.#isJson() ? next.json : this.serializer.stringify(next.data);
    const reply = await writeScript.run(this.#client(), {
      keys: [this.prefix + sid],
      arguments: [base?.version ?? "", version, this.disableTTL ? "" : String(seconds)],
    });
    if (reply === 1) return { outcome: "written", version };
    const current = String(reply);
    return current ? { outcome: "changed", current: await this.#parse(current) } : { outcome: "deleted" };
  }

  async refresh(sid: string, data: SessionData): Promise<boolean> {
    if (this.disableTTL || this.disableTouch) return true;
    return Number(await this.#client().expire(this.prefix + sid, this.#ttlSeconds(data))) === 1;
  }

  async remove(sid: string, reason?: EndReason): Promise<void> {
    const text = await this.#client().getDel(this.prefix + sid);
    if (!reason) return;
    // What cannot be read has no user either.
    const stored = text ? await this.#parse(String(text)).catch(() => undefined) : undefined;
    await this.endings.announce({ sid, reason, data: stored?.data });
  }

  lifeMs(data: SessionData): number {
    return this.disableTTL ? Number.POSITIVE_INFINITY : this.#ttlSeconds(data) * 1000;
  }

  async *walk(): AsyncIterable<[string, SessionData]> {
    for (const sid of (await this.ids()) as string[]) {
      const stored = await this.read(sid).catch(notASession);
      if (stored) yield [sid, stored.data];
    }
  }

  async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    // Sent in one go: node-redis writes the commands of one tick as a pipeline.
    const replies = await Promise.all(sids.map((sid) => this.#client().pTTL(this.prefix + sid)));
    const now = Date.now();
    return replies.map((reply) => {
      const ms = Number(reply);
      if (ms === -2) return undefined;
      return ms === -1 ? Number.POSITIVE_INFINITY : now + ms;
    });
  }

  /** Ends a session, as an app asks for it by `req.sessionStore`. */
  override async destroy(sid: string, callback?: Callback<void>): Promise<void> {
    const removed = this.remove(sid, "session_ended");
    if (!callback) return removed;
    callBack(removed, callback);
  }

  #isJson(): boolean {
    return this.serializer === (JSON as SessionSerializer);
  }

  async #parse(text: string): Promise<StoredSession> {
    if (this.#isJson()) return parseJson(text);
    try {
      const data = await this.serializer.parse(text);
      assertSessionData(data);
      return { data, version: text, json: JSON.stringify(data) };
    } catch {
      // The parser's own error is not passed on: it quotes what it could not read.
      throw sessionUnreadable();
    }
  }

  #ttlSeconds(data: SessionData): number {
    if (typeof this.ttl === "function") return this.ttl(data);
    const expires = data.cookie?.expires;
    return expires ? Math.ceil((new Date(expires).getTime() - Date.now()) / 1000) : this.ttl;
  }
}

/** The text itself is the version and the JSON: a session that is only read is not written out for it. */
function parseJson(text: string): StoredSession {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The parser's own error is not passed on: it quotes what it could not read.
    throw sessionUnreadable();
  }
  assertSessionData(data);
  return { data, version: text, json: text };
}

/** What stands under the prefix and is no session; any other failure would leave out sessions that live. */
function notASession(error: Error & { code?: string }): undefined {
  if (error.code !== "ERR_SESSION_UNREADABLE" && !error.message.startsWith("WRONGTYPE")) throw error;
}
