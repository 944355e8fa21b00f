import { ClockHand } from "../../memory/clock-hand.ts";
import { MemoryQuotas } from "../../memory/memory-quotas.ts";
import { checkedLifeMs } from "../../sessions/checked-life.ts";
import { ExpiryOrder } from "./expiry-order.ts";
import type { IndexEntry, SessionIndex } from "./session-index.ts";

interface Entry {
  readonly sid: string;
  expiresAt: number;
  isRevoked: boolean;
  mark: number;
}

interface UserEntries {
  readonly bySid: Map<string, Entry>;
  readonly valid: ExpiryOrder<Entry>;
  readonly revoked: ExpiryOrder<Entry>;
}

/**
 * Each login sweeps the expired sessions of this many users. The number is greater than one, so that the map shrinks
 * while it is in use.
 */
const SWEPT_PER_LOGIN = 4;
/** A login that finds no room sweeps the expired sessions of this many users. */
const SWEPT_WHEN_FULL = 1000;
/** Entries of one user that are swept at a time, of the valid and of the revoked ones each. */
const SWEPT_AT_A_TIME = 25;

/** The index of one process. Each login sweeps a few expired sessions. */
export class MemorySessionIndex implements SessionIndex {
  readonly #byUser = new Map<string, UserEntries>();
  readonly #hand = new ClockHand(this.#byUser);
  readonly #now: () => number;
  readonly #quotas: MemoryQuotas;
  #marks = 0;

  constructor({ now = Date.now }: { now?: () => number } = {}, quotas: MemoryQuotas = new MemoryQuotas()) {
    this.#now = now;
    this.#quotas = quotas;
  }

  async enter(userId: string, sid: string, lifeMs: number): Promise<void> {
    const expiresAt = this.#now() + checkedLifeMs(lifeMs);
    this.#hand.advance(SWEPT_PER_LOGIN, (other, found) => this.#sweep(other, found));
    if (this.#find(userId, sid)) return;
    this.#quotas.entries.check(1, () =>
      this.#hand.advance(SWEPT_WHEN_FULL, (other, found) => this.#sweep(other, found)),
    );
    const entries = this.#byUser.get(userId) ?? {
      bySid: new Map<string, Entry>(),
      valid: new ExpiryOrder<Entry>(),
      revoked: new ExpiryOrder<Entry>(),
    };
    this.#byUser.set(userId, entries);
    this.#quotas.entries.count(1);
    const entry = { sid, expiresAt, isRevoked: false, mark: ++this.#marks };
    entries.bySid.set(sid, entry);
    entries.valid.add(entry);
  }

  async confirm(userId: string, sid: string): Promise<boolean> {
    return this.#find(userId, sid)?.isRevoked === false;
  }

  async extend(userId: string, sid: string, lifeMs: number): Promise<boolean> {
    const expiresAt = this.#now() + checkedLifeMs(lifeMs);
    const entries = this.#byUser.get(userId);
    const entry = entries?.bySid.get(sid);
    if (!entries || entry?.isRevoked !== false) return false;
    this.#move(entries, entry, Math.max(entry.expiresAt, expiresAt));
    return true;
  }

  async shorten(userId: string, sid: string, lifeMs: number, mark: number): Promise<void> {
    const expiresAt = this.#now() + checkedLifeMs(lifeMs);
    const entries = this.#byUser.get(userId);
    const entry = entries?.bySid.get(sid);
    if (!entries || entry?.isRevoked !== false || entry.mark !== mark) return;
    this.#move(entries, entry, Math.min(entry.expiresAt, expiresAt));
  }

  async revoke(userId: string, exceptSid: string | undefined, limit: number = Infinity): Promise<string[]> {
    const entries = this.#byUser.get(userId);
    if (!entries) return [];
    const found = exceptSid === undefined ? undefined : entries.bySid.get(exceptSid);
    const kept = found?.isRevoked === false ? found : undefined;
    if (kept) entries.valid.delete(kept);
    for (const entry of entries.valid.first(Infinity)) entry.isRevoked = true;
    entries.revoked.takeAll(entries.valid);
    if (kept) entries.valid.add(kept);
    return this.revoked(userId, limit);
  }

  async revoked(userId: string, limit: number = Infinity): Promise<string[]> {
    return (this.#byUser.get(userId)?.revoked.first(limit) ?? []).map(({ sid }) => sid);
  }

  async revokeOne(userId: string, sid: string): Promise<boolean> {
    const entries = this.#byUser.get(userId);
    const entry = entries?.bySid.get(sid);
    if (!entries || !entry) return false;
    if (entry.isRevoked) return true;
    entries.valid.delete(entry);
    entry.isRevoked = true;
    entries.revoked.add(entry);
    return true;
  }

  async remove(userId: string, sids: readonly string[]): Promise<void> {
    for (const sid of sids) this.#remove(userId, this.#find(userId, sid));
  }

  async mark(userId: string, sid: string): Promise<number | undefined> {
    return this.#find(userId, sid)?.mark;
  }

  async removeRevoked(userId: string, sids: readonly string[]): Promise<void> {
    for (const sid of sids) {
      const entry = this.#find(userId, sid);
      if (entry?.isRevoked) this.#remove(userId, entry);
    }
  }

  async removeMarked(userId: string, sid: string, mark: number): Promise<void> {
    const entry = this.#find(userId, sid);
    if (entry?.mark === mark) this.#remove(userId, entry);
  }

  async entries(
    userId: string,
    limit: number = Infinity,
    which: "first" | "last" = "last",
  ): Promise<IndexEntry[]> {
    const found = this.#byUser.get(userId)?.valid[which](limit) ?? [];
    return found.map(({ sid, expiresAt }) => ({ sid, expiresAt }));
  }

  #move({ valid }: UserEntries, entry: Entry, expiresAt: number): void {
    valid.delete(entry);
    entry.expiresAt = expiresAt;
    entry.mark = ++this.#marks;
    valid.add(entry);
  }

  #find(userId: string, sid: string): Entry | undefined {
    return this.#byUser.get(userId)?.bySid.get(sid);
  }

  #remove(userId: string, entry: Entry | undefined): void {
    const entries = this.#byUser.get(userId);
    if (!entries || !entry) return;
    if (entries.bySid.delete(entry.sid)) this.#quotas.entries.count(-1);
    (entry.isRevoked ? entries.revoked : entries.valid).delete(entry);
    if (entries.bySid.size === 0) this.#byUser.delete(userId);
  }

  #sweep(userId: string, { valid, revoked }: UserEntries): void {
    const now = this.#now();
    for (const entry of [...valid.first(SWEPT_AT_A_TIME), ...revoked.first(SWEPT_AT_A_TIME)])
      if (entry.expiresAt <= now) this.#remove(userId, entry);
  }
}
