import { unavailable } from "../../calls/in-time.ts";
import type { SessionIndex } from "../../users/session-index/session-index.ts";
import type { SaveRequest } from "../saving/save.ts";
import type { SessionSnapshot, SessionStore, StoredSession } from "../session-store.ts";

/** The places that know what became of the insert. */
interface Places {
  readonly store: SessionStore;
  readonly index: SessionIndex;
}

/**
 * An unanswered first save of a session. It may have stored the session, or may still do so.
 *
 * It is never repeated. The session may have been stored and then ended together with all others of its user. A
 * second first save would bring it back.
 */
export class UnsureInsert {
  /** The session as it was sent to the store. */
  readonly sent: SessionSnapshot;
  readonly #sid: string;
  readonly #userId: string | undefined;
  readonly #places: Places;

  constructor(sid: string, { sent, userId }: SaveRequest, places: Places) {
    this.sent = sent;
    this.#sid = sid;
    this.#userId = userId;
    this.#places = places;
  }

  /**
   * Resolves to the session if it is stored after all, or to `undefined` if its user's sessions have been ended
   * since.
   *
   * @throws {SessionStackError} `ERR_STORE_UNAVAILABLE` if it is not stored, which may still change.
   */
  async find(): Promise<StoredSession | undefined> {
    const { store, index } = this.#places;
    const stored = await store.read(this.#sid);
    if (!stored) throw unavailable("has not confirmed this new session; begin another one with regenerate()");
    // The index is asked after the store. A caller that ends the user's sessions removes the index entry first and
    // looks for the session second.
    if (this.#userId === undefined || (await index.confirm(this.#userId, this.#sid))) return stored;
    await store.remove(this.#sid, "session_ended");
    return undefined;
  }

  /**
   * Removes the index entry of the session. Call this before the session is removed: if the session is stored only
   * afterwards, its user is not confirmed.
   */
  async revoke(): Promise<void> {
    if (this.#userId !== undefined) await this.#places.index.remove(this.#userId, [this.#sid]);
  }
}
