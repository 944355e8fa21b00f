import { setImmediate as nextTurn } from "node:timers/promises";
import session, { type SessionData } from "express-session";
import { type Callback, callBack, done } from "../calls/callback.ts";
import { inBatches } from "../calls/in-batches.ts";
import { ClockHand } from "../memory/clock-hand.ts";
import { MemoryQuotas } from "../memory/memory-quotas.ts";
import { expiryOf } from "./data/session-cookie.ts";
import { storedJson } from "./data/stored-json.ts";
import { ReplacedIds } from "./replaced-ids.ts";
import { type EndReason, SessionEndings } from "./session-endings.ts";
import type { Base, SessionSnapshot, SessionStore, StoredSession, WriteResult } from "./session-store.ts";
import { isSessionData } from "./session-store.ts";

/** Options of the memory session store. */
export interface MemorySessionStoreOptions {
  /** Seconds that a session lives if its cookie has no expiry of its own, as in connect-redis. @default 86_400 */
  ttl?: number;
  /** The clock, in milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

interface Entry {
  json: string;
  bytes: number;
  expiresAt: number;
}

/** How many entries each insert checks for expiry. It is more than one, so that the map shrinks while it is used. */
const SWEPT_PER_INSERT = 4;
/** How many entries an insert checks if it finds no room. */
const SWEPT_WHEN_FULL = 1000;

/** How many endings `clear` announces at a time. */
const CLEARED_AT_ONCE = 100;

/** How many sessions a walk passes before it lets other work run. */
const WALKED_IN_A_TURN = 500;

/**
 * Keeps sessions in this process as JSON text, so that nobody holds a reference into the store.
 *
 * Each insert removes a few expired sessions. There is no timer and no pause, and the map stays in proportion to the
 * live sessions.
 */
export class MemorySessionStore extends session.Store implements SessionStore {
  readonly endings: SessionEndings = new SessionEndings();
  readonly #entries = new Map<string, Entry>();
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #replaced: ReplacedIds;
  readonly #hand = new ClockHand(this.#entries);
  readonly #quotas: MemoryQuotas;

  constructor(options: MemorySessionStoreOptions = {}, quotas: MemoryQuotas = new MemoryQuotas()) {
    super();
    this.#ttlMs = (options.ttl ?? 86_400) * 1000;
    this.#now = options.now ?? Date.now;
    this.#replaced = new ReplacedIds(this.#now);
    this.#quotas = quotas;
  }

  get expressStore(): this {
    return this;
  }

  async read(sid: string): Promise<StoredSession | undefined> {
    const entry = this.#live(sid);
    return entry && storedJson(entry.json);
  }

  async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    const entry = this.#live(sid);
    if (!entry && base) return { outcome: "deleted" };
    if (entry && entry.json !== base?.version) return { outcome: "changed", current: storedJson(entry.json) };
    if (this.#put(sid, next.json, next.data)) return { outcome: "written", version: next.json };
    await this.remove(sid, "session_ended");
    return { outcome: "expired" };
  }

  async refresh(sid: string, data: SessionData, version?: string): Promise<boolean> {
    const entry = this.#live(sid);
    if (!entry) return false;
    if (version !== undefined && version !== entry.json) return true;
    const expiresAt = this.#expiryOf(data);
    if (expiresAt > this.#now()) {
      entry.expiresAt = expiresAt;
      return true;
    }
    await this.remove(sid, "session_ended");
    return false;
  }

  async remove(sid: string, reason?: EndReason): Promise<boolean> {
    const entry = this.#live(sid);
    if (reason === "session_replaced") this.#replaced.add(sid);
    this.#drop(sid);
    if (reason) await this.endings.announce({ sid, reason, data: entry && JSON.parse(entry.json) });
    return entry !== undefined;
  }

  async wasReplaced(sid: string): Promise<boolean> {
    return this.#replaced.has(sid);
  }

  lifeMs(data: SessionData): number {
    return this.#expiryOf(data) - this.#now();
  }

  async *walk(): AsyncIterable<[string, SessionData]> {
    let walked = 0;
    for (const sid of this.#entries.keys()) {
      // Without this pause the whole walk would run in one turn.
      if (++walked % WALKED_IN_A_TURN === 0) await nextTurn();
      const entry = this.#live(sid);
      const data: unknown = entry && JSON.parse(entry.json);
      if (isSessionData(data)) yield [sid, data];
    }
  }

  async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    return sids.map((sid) => this.#live(sid)?.expiresAt);
  }

  get(sid: string, callback: Callback<SessionData | null>): void {
    const entry = this.#live(sid);
    callBack(Promise.resolve(entry ? (JSON.parse(entry.json) as SessionData) : null), callback);
  }

  set(sid: string, data: SessionData, callback?: Callback<void>): void {
    callBack(this.#set(sid, data), callback);
  }

  override touch(sid: string, data: SessionData, callback?: () => void): void {
    callBack(this.refresh(sid, data), callback);
  }

  destroy(sid: string, callback?: Callback<void>): void {
    callBack(done(this.remove(sid, "session_ended")), callback);
  }

  override all(callback: Callback<Record<string, SessionData>>): void {
    const live = [...this.#entries.keys()].flatMap((sid) => {
      const entry = this.#live(sid);
      return entry ? [[sid, JSON.parse(entry.json) as SessionData] as const] : [];
    });
    callBack(Promise.resolve(Object.fromEntries(live)), callback);
  }

  override length(callback: Callback<number>): void {
    callBack(Promise.resolve([...this.#entries.keys()].filter((sid) => this.#live(sid)).length), callback);
  }

  override clear(callback?: Callback<void>): void {
    const live = [...this.#entries].filter(([sid]) => this.#live(sid));
    // All sessions are dropped at once. Sessions that are stored from here on stay.
    for (const [sid] of live) this.#drop(sid);
    const ended = inBatches(
      live,
      ([sid, { json }]) =>
        this.endings.announce({ sid, reason: "session_ended", data: JSON.parse(json) as SessionData }),
      CLEARED_AT_ONCE,
    );
    callBack(ended, callback);
  }

  #live(sid: string): Entry | undefined {
    const entry = this.#entries.get(sid);
    if (!entry || entry.expiresAt > this.#now()) return entry;
    this.#drop(sid);
    return undefined;
  }

  #drop(sid: string): void {
    const entry = this.#entries.get(sid);
    if (!entry) return;
    this.#entries.delete(sid);
    this.#count(-1, -entry.bytes);
  }

  #count(sessions: number, bytes: number): void {
    this.#quotas.sessions.count(sessions);
    this.#quotas.sessionBytes.count(bytes);
  }

  readonly #sweep = (): void => this.#hand.advance(SWEPT_WHEN_FULL, (sid) => this.#live(sid));

  async #set(sid: string, data: SessionData): Promise<void> {
    if (!this.#put(sid, JSON.stringify(data), data)) await this.remove(sid, "session_ended");
  }

  /** Stores a session. Returns `false` and stores nothing if the data has expired already. */
  #put(sid: string, json: string, data: SessionData): boolean {
    const expiresAt = this.#expiryOf(data);
    if (expiresAt <= this.#now()) return false;
    const known = this.#entries.get(sid);
    if (!known) this.#hand.advance(SWEPT_PER_INSERT, (other) => this.#live(other));
    const bytes = Buffer.byteLength(json);
    const [more, moreBytes] = [known ? 0 : 1, bytes - (known?.bytes ?? 0)];
    this.#quotas.sessions.check(more, this.#sweep);
    this.#quotas.sessionBytes.check(moreBytes, this.#sweep);
    this.#count(more, moreBytes);
    this.#entries.set(sid, { json, bytes, expiresAt });
    return true;
  }

  #expiryOf(data: SessionData): number {
    const expires = expiryOf(data.cookie?.expires);
    return expires ? expires.getTime() : this.#now() + this.#ttlMs;
  }
}
