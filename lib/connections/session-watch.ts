import type { SessionStore } from "../sessions/session-store.ts";

/** The precision of expiries. A connection outlives its session by at most this and one answer of the store. */
const TICK_MS = 500;
/** Sessions asked for at a time, so that no tick holds up a node with many. */
const BATCH = 500;

/** A check of all sessions that a caller waits for. */
interface Looked {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/**
 * Watches the sessions that connections are bound to. It asks the store for each session when the session should
 * expire, and at least every `revalidateMs`. It announces the sessions that are gone.
 *
 * HTTP requests move a session's expiry without notice to its connections. So the store decides, and never the clock
 * alone. While the store does not answer, nothing is announced.
 */
export class SessionWatch {
  readonly #store: SessionStore;
  readonly #revalidateMs: number;
  /** Sessions by the tick at which they are due. The second map has the tick by session. */
  readonly #due = new Map<number, Set<string>>();
  readonly #tickOf = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isTicking = false;
  /** Resolved once all due sessions have been checked. */
  #looked: Looked | undefined;
  #lastTick = 0;

  constructor(store: SessionStore, revalidateMs: number) {
    this.#store = store;
    this.#revalidateMs = revalidateMs;
  }

  /**
   * Watches a session until it is unwatched. `expiresAt` is in milliseconds since the epoch. Without it, the next tick asks
   * the store. A call never moves the check of a session to a later time.
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
   * Checks all sessions with the next tick, because some may have ended without notice to this node. Resolves once the store
   * has answered for each session.
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
    // If the clock was set back, all sessions are due now. Otherwise they would not be due for long.
    const isSetBack = tick < this.#lastTick;
    const due = [...this.#due.keys()]
      .filter((at) => at <= tick || isSetBack)
      .flatMap((at) => [...(this.#due.get(at) ?? [])]);
    this.#lastTick = tick;
    let areAnswered = true;
    for (let from = 0; from < due.length; from += BATCH)
      areAnswered = (await this.#revalidate(due.slice(from, from + BATCH))) && areAnswered;
    this.#isTicking = false;
    // The check is not done if the timer was early and found nothing due, or if the store has not answered.
    if (looked) this.#tell(looked, areAnswered && (tick > before || isSetBack));
    this.#schedule(Date.now());
  }

  /** Resolves the waiting calls if the check is done. Otherwise they wait for the next check, with the calls made since. */
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
      // A check that was requested meanwhile is not moved to a later time: this answer may be older than the request.
      else this.#askAt(sid, Math.min(Math.ceil(expiresAt / TICK_MS), tick === ticks[at] ? Infinity : tick));
    }
    await Promise.all(ending);
    return expiries !== undefined;
  }

  /**
   * Ends a session that is gone. If it was replaced, its clients are to reconnect. The notice of that may have been
   * lost.
   */
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
