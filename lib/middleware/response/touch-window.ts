import type { OpenSession } from "../open-session.ts";

/** Number of sessions whose last touch is remembered. Beyond it the oldest is forgotten, and touched once too often. */
const REMEMBERED = 10_000;

/**
 * Decides when a session that is only read must be touched in the store.
 *
 * A touch moves the key's expiry and leaves the value as it is. So the value tells when the session was saved, and this
 * node remembers which sessions it has touched since.
 */
export class TouchWindow {
  readonly #touchAfterMs: number;
  readonly #touchedAt = new Map<string, number>();

  constructor(touchAfterMs: number) {
    this.#touchAfterMs = touchAfterMs;
  }

  /** Whether the session that was loaded into the request is due. A session that is due is remembered as touched. */
  enter(id: string, lifeMs: number, { savedAt }: Pick<OpenSession, "savedAt">): boolean {
    const now = Date.now();
    const idleMs = Math.min(sinceMs(savedAt, now), sinceMs(this.#touchedAt.get(id), now));
    // The wait is at most half of the session's life. Otherwise a session could end while it is in constant use.
    if (idleMs < Math.min(this.#touchAfterMs, lifeMs / 2)) return false;
    this.touched(id, now);
    return true;
  }

  /** Remembers that a session was touched. A save counts as a touch. */
  touched(id: string, now: number = Date.now()): void {
    this.#touchedAt.delete(id);
    this.#touchedAt.set(id, now);
    if (this.#touchedAt.size <= REMEMBERED) return;
    const [oldest] = this.#touchedAt.keys();
    if (oldest !== undefined) this.#touchedAt.delete(oldest);
  }
}

/** A future time comes from another clock, or from this clock before it was set back. Such a time is ignored. */
function sinceMs(at: number | undefined, now: number): number {
  return at === undefined || at > now ? Number.POSITIVE_INFINITY : now - at;
}
