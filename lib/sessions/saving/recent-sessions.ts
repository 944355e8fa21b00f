import type { Base } from "../session-store.ts";

/** Sessions that are remembered, and characters of their JSON; beyond it the one that was saved first is forgotten. */
const MAX_SESSIONS = 1000;
const MAX_LENGTH = 8_388_608;

/**
 * What this node has last seen stored of the sessions that it has just saved: what the next save is most likely to find.
 * It may be wrong at any time, since other nodes save as well, and the store compares. A wrong one costs a round trip.
 */
export class RecentSessions {
  readonly #bases = new Map<string, Base>();
  #length = 0;

  get(sid: string): Base | undefined {
    return this.#bases.get(sid);
  }

  /** Remembers what a write has stored or found. */
  set(sid: string, base: Base): void {
    this.delete(sid);
    this.#bases.set(sid, base);
    this.#length += base.json.length;
    for (const [oldest] of this.#bases) {
      if (this.#bases.size <= MAX_SESSIONS && this.#length <= MAX_LENGTH) return;
      this.delete(oldest);
    }
  }

  /** A read has found this: worth knowing only of a session that is being saved. */
  refresh(sid: string, base: Base): void {
    const known = this.#bases.get(sid);
    if (known && known.version !== base.version) this.set(sid, base);
  }

  delete(sid: string): void {
    const known = this.#bases.get(sid);
    if (!known) return;
    this.#bases.delete(sid);
    this.#length -= known.json.length;
  }
}
