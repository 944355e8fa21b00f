import { ClockHand } from "../clock-hand.ts";
import { checkedLifeMs } from "../sessions/checked-life.ts";
import type { IndexEntry, SessionIndex } from "./session-index.ts";

interface Entry {
  expiresAt: number;
  isRevoked: boolean;
  mark: number;
}

/** How many users each login looks at for sessions that have expired: more than one, so that the map shrinks while it is used. */
const SWEPT_PER_LOGIN = 4;

/** The index of one process. Users whose sessions have all expired are swept a few at each login. */
export class MemorySessionIndex implements SessionIndex {
  readonly #byUser = new Map<string, Map<string, Entry>>();
  readonly #hand = new ClockHand(this.#byUser);
  readonly #now: () => number;
  #marks = 0;

  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now;
  }

  async enter(userId: string, sid: string, lifeMs: number): Promise<void> {
    const expiresAt = this.#now() + checkedLifeMs(lifeMs);
    this.#hand.advance(SWEPT_PER_LOGIN, (other, found) => this.#sweep(other, found));
    const entries = this.#byUser.get(userId) ?? new Map<string, Entry>();
    this.#byUser.set(userId, entries);
    if (entries.has(sid)) return;
    entries.set(sid, { expiresAt, isRevoked: false, mark: ++this.#marks });
  }

  async confirm(userId: string, sid: string): Promise<boolean> {
    return this.#byUser.get(userId)?.get(sid)?.isRevoked === false;
  }

  async extend(userId: string, sid: string, lifeMs: number): Promise<boolean> {
    const expiresAt = this.#now() + checkedLifeMs(lifeMs);
    const entry = this.#byUser.get(userId)?.get(sid);
    if (entry?.isRevoked !== false) return false;
    entry.expiresAt = expiresAt;
    entry.mark = ++this.#marks;
    return true;
  }

  async revoke(userId: string, exceptSid: string | undefined): Promise<string[]> {
    const entries = [...(this.#byUser.get(userId) ?? [])];
    for (const [sid, entry] of entries) entry.isRevoked ||= sid !== exceptSid;
    return entries.flatMap(([sid, { isRevoked }]) => (isRevoked ? [sid] : []));
  }

  async revokeOne(userId: string, sid: string): Promise<boolean> {
    const entry = this.#byUser.get(userId)?.get(sid);
    if (entry) entry.isRevoked = true;
    return entry !== undefined;
  }

  async remove(userId: string, sids: readonly string[]): Promise<void> {
    const entries = this.#byUser.get(userId);
    for (const sid of sids) entries?.delete(sid);
    if (entries?.size === 0) this.#byUser.delete(userId);
  }

  async mark(userId: string, sid: string): Promise<number | undefined> {
    return this.#byUser.get(userId)?.get(sid)?.mark;
  }

  async removeRevoked(userId: string, sids: readonly string[]): Promise<void> {
    const entries = this.#byUser.get(userId);
    await this.remove(
      userId,
      sids.filter((sid) => entries?.get(sid)?.isRevoked),
    );
  }

  async removeMarked(userId: string, sid: string, mark: number): Promise<void> {
    if (this.#byUser.get(userId)?.get(sid)?.mark === mark) await this.remove(userId, [sid]);
  }

  #sweep(userId: string, entries: Map<string, Entry>): void {
    for (const [sid, { expiresAt }] of entries) if (expiresAt <= this.#now()) entries.delete(sid);
    if (entries.size === 0) this.#byUser.delete(userId);
  }

  async entries(userId: string): Promise<IndexEntry[]> {
    return [...(this.#byUser.get(userId) ?? [])]
      .filter(([, { isRevoked }]) => !isRevoked)
      .map(([sid, { expiresAt }]) => ({ sid, expiresAt }));
  }
}
