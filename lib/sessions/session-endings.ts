/** Why a session ended: for good, or because its user goes on under a new id. */
export type EndReason = "session_ended" | "session_replaced";

/** Hears of a session that has just ended. */
export type EndingListener = (sid: string, reason: EndReason) => void;

/**
 * Where it becomes known in this process that a session has ended, whoever ended it.
 *
 * Every store has one; whatever holds connections subscribes. A session is announced after it is gone
 * from the store, so whoever hears of it and looks finds nothing.
 */
export class SessionEndings {
  readonly #listeners = new Set<EndingListener>();

  /** Subscribes until the returned function is called. */
  subscribe(listener: EndingListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Tells all subscribers. Saying it twice is harmless: an ended session has no connections left. */
  announce(sid: string, reason: EndReason): void {
    for (const listener of this.#listeners) listener(sid, reason);
  }
}
