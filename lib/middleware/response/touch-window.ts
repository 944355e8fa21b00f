import type { OpenSession } from "../open-session.ts";

/** Sessions whose last touch is remembered; beyond it the oldest is forgotten, and touched once too often. */
const REMEMBERED = 10_000;

/**
 * Says when a session that is only read is due to be touched in the store.
 *
 * A touch moves the key's expiry and leaves the value as it is, so the value tells when the session was
 * saved, and this node remembers what it has touched since.
 */
export class TouchWindow {
  readonly #touchAfterMs: number;
  readonly #touchedAt = new Map<string, number>();

  constructor(touchAfterMs: number) {
    this.#touchAfterMs = touchAfterMs;
  }

  /** Whether the session that was loaded into the request is due, and remembers it as touched if it is. */
  enter(id: string, lifeMs: number, { savedAt }: Pick<OpenSession, "savedAt">): boolean {
    const now = Date.now();
    const idleMs = Math.min(sinceMs(savedAt, now), sinceMs(this.#touchedAt.get(id), now));
    // Half its life at most: else a session would end that is used all the time.
    if (idleMs < Math.min(this.#touchAfterMs, lifeMs / 2)) return false;
    this.touched(id, now);
    return true;
  }

  /** Remembers that a session was touched, or saved, which is as good. */
  touched(id: string, now: number = Date.now()): void {
    this.#touchedAt.delete(id);
    this.#touchedAt.set(id, now);
    if (this.#touchedAt.size <= REMEMBERED) return;
    const [oldest] = this.#touchedAt.keys();
    if (oldest !== undefined) this.#touchedAt.delete(oldest);
  }
}

/** A time to come was noted by another clock, or by this one before it was set back: it says nothing. */
function sinceMs(at: number | undefined, now: number): number {
  return at === undefined || at > now ? Number.POSITIVE_INFINITY : now - at;
}
