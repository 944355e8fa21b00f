import type { Base } from "../session-store.ts";

/**
 * The most sessions that are remembered, and the most characters of their JSON. Beyond either, the session that was
 * saved first is forgotten.
 */
const MAX_SESSIONS = 1000;
const MAX_LENGTH = 8_388_608;

/**
 * The last known stored state of the sessions that this node has just saved. The next save will most likely find this
 * state. It may be wrong at any time, since other nodes save as well. The store compares, so a wrong state costs one
 * round trip.
 */
export class RecentSessions {
  readonly #bases = new Map<string, Base>();
  #length = 0;

  get(sid: string): Base | undefined {
    return this.#bases.get(sid);
  }

  /** Remembers the state that a write has stored or found. */
  set(sid: string, base: Base): void {
    this.delete(sid);
    this.#bases.set(sid, base);
    this.#length += base.json.length;
    for (const [oldest] of this.#bases) {
      if (this.#bases.size <= MAX_SESSIONS && this.#length <= MAX_LENGTH) return;
      this.delete(oldest);
    }
  }

  /** Updates the state from a read. Only sessions that are being saved are worth remembering. */
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
