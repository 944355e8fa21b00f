import { REPLACED_KNOWN_MS } from "./session-store.ts";

/**
 * How many ids are remembered. Beyond this number the oldest id is forgotten, and its late requests begin new
 * sessions.
 */
const MAX_IDS = 10_000;

/** The ids of sessions that were replaced a moment ago in this process. Such an id gives nobody access. */
export class ReplacedIds {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add(sid: string): void {
    this.#until.delete(sid);
    this.#until.set(sid, this.#now() + REPLACED_KNOWN_MS);
    for (const [oldest, until] of this.#until) {
      if (this.#until.size <= MAX_IDS && until > this.#now()) return;
      this.#until.delete(oldest);
    }
  }

  has(sid: string): boolean {
    return (this.#until.get(sid) ?? 0) > this.#now();
  }
}
