import type { SessionStore } from "../sessions/session-store.ts";

/** How exactly expiries are kept: a connection outlives its session by this and one answer of the store. */
const TICK_MS = 500;
/** Sessions asked for at a time, so that no tick holds up a node with many. */
const BATCH = 500;

/** A look at all sessions, for which somebody waits. */
interface Looked {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/**
 * Looks after the sessions that connections are bound to: asks the store for each when it should expire,
 * and in any case every `revalidateMs`, and announces those that are gone.
 *
 * HTTP requests move a session's expiry without its connections hearing of it, so the store is always
 * asked, never the clock alone. While the store does not answer, nothing is announced.
 */
export class SessionWatch {
  readonly #store: SessionStore;
  readonly #revalidateMs: number;
  /** Sessions by the tick at which they are due, and the tick by session. */
  readonly #due = new Map<number, Set<string>>();
  readonly #tickOf = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isTicking = false;
  /** Told once all that is due has been looked at. */
  #looked: Looked | undefined;
  #lastTick = 0;

  constructor(store: SessionStore, revalidateMs: number) {
    this.#store = store;
    this.#revalidateMs = revalidateMs;
  }

  /**
   * Watches a session until it is unwatched. Whoever knows says when it expires, in milliseconds since the epoch; else
   * the store is asked with the next tick. It is never asked later than was known before.
   */
  watch(sid: string, expiresAt = 0): void {
    this.#askAt(sid, Math.min(Math.ceil(expiresAt / TICK_MS), this.#tickOf.get(sid) ?? Infinity));
  }

  #askAt(sid: string, wanted: number): void {
    this.#forget(sid);
    const now = Date.now();
    const latest = Math.floor((now + this.#revalidateMs) / TICK_MS);
    const tick = Math.max(Math.min(wanted, latest), this.#lastTick + 1);
    this.#tickOf.set(sid, tick);
    const sids = this.#due.get(tick);
    if (sids) sids.add(sid);
    else this.#due.set(tick, new Set([sid]));
    this.#schedule(now);
  }

  /**
   * Looks at all sessions with the next tick: somebody may have ended some without this node hearing of it. Resolves once
   * the store has said of each whether it is there.
   */
  async revalidateAll(): Promise<void> {
    for (const sid of [...this.#tickOf.keys()]) this.watch(sid);
    if (this.#tickOf.size === 0) return;
    this.#looked ??= promised();
    await this.#looked.promise;
  }

  unwatch(sid: string): void {
    this.#forget(sid);
    if (this.#tickOf.size === 0) this.close();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#looked?.resolve();
    this.#looked = undefined;
  }

  #forget(sid: string): void {
    const tick = this.#tickOf.get(sid);
    if (tick === undefined) return;
    this.#tickOf.delete(sid);
    const sids = this.#due.get(tick);
    sids?.delete(sid);
    if (sids?.size === 0) this.#due.delete(tick);
  }

  #schedule(now: number): void {
    // A tick that waits for the store schedules the next one itself.
    if (this.#timer || this.#isTicking || this.#tickOf.size === 0) return;
    if (this.#lastTick === 0) this.#lastTick = Math.floor(now / TICK_MS);
    this.#timer = setTimeout(() => void this.#tick(), TICK_MS - (now % TICK_MS));
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    this.#timer = undefined;
    this.#isTicking = true;
    const looked = this.#looked;
    this.#looked = undefined;
    const before = this.#lastTick;
    const now = Date.now();
    const tick = Math.floor(now / TICK_MS);
    // A node that was stopped for a while has several ticks to catch up with.
    // All of them if the clock was set back, by which they would not be due for long.
    const isSetBack = tick < this.#lastTick;
    const due = [...this.#due.keys()]
      .filter((at) => at <= tick || isSetBack)
      .flatMap((at) => [...(this.#due.get(at) ?? [])]);
    this.#lastTick = tick;
    let areAnswered = true;
    for (let from = 0; from < due.length; from += BATCH)
      areAnswered = (await this.#revalidate(due.slice(from, from + BATCH))) && areAnswered;
    this.#isTicking = false;
    // A timer that was early has found nothing due, and a store that has not answered has said nothing.
    if (looked) this.#tell(looked, areAnswered && (tick > before || isSetBack));
    this.#schedule(Date.now());
  }

  /** Tells those who wait that all was looked at, or has them wait for the next look with those who have come since. */
  #tell(looked: Looked, isDone: boolean): void {
    if (isDone) looked.resolve();
    else if (this.#looked) void this.#looked.promise.then(looked.resolve);
    else this.#looked = looked;
  }

  /** Resolves to whether the store has answered. */
  async #revalidate(sids: readonly string[]): Promise<boolean> {
    const ticks = sids.map((sid) => this.#tickOf.get(sid));
    const expiries = await this.#store.expiries(sids).catch(() => undefined);
    const ending: Promise<void>[] = [];
    for (const [at, sid] of sids.entries()) {
      // The last connection may have gone while the store was asked.
      const tick = this.#tickOf.get(sid);
      if (tick === undefined) continue;
      const expiresAt = expiries ? expiries[at] : Date.now();
      if (expiresAt === undefined) ending.push(this.#end(sid));
      // What somebody has asked for meanwhile is not put off: the answer may be older.
      else this.#askAt(sid, Math.min(Math.ceil(expiresAt / TICK_MS), tick === ticks[at] ? Infinity : tick));
    }
    await Promise.all(ending);
    return expiries !== undefined;
  }

  /** Whose session was replaced is to come back: the answer to that may have been lost. */
  async #end(sid: string): Promise<void> {
    const isReplaced = await this.#store.wasReplaced(sid).catch(() => false);
    this.#store.endings.close(sid, isReplaced ? "session_replaced" : "session_ended");
  }
}

function promised(): Looked {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
