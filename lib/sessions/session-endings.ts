import type { SessionData } from "express-session";

/** Why a session ended: for good, or because its user goes on under a new id. */
export type EndReason = "session_ended" | "session_replaced";

/** A session that is gone from the store. */
export interface Ending {
  /** The session's id. */
  readonly sid: string;
  /** Why it ended. */
  readonly reason: EndReason;
  /** What the session held, where the store could tell. */
  readonly data?: SessionData | undefined;
}

/** Who holds connections that are bound to sessions. */
export interface ConnectionHolder {
  /** Closes the connections of a session and answers how many there were. */
  end(sid: string, reason: EndReason): number;
  /** How many connections a session has. */
  count(sid: string): number;
  /** The id of a session that has connections, by its digest. */
  sidOf(digest: string): string | undefined;
  /** The ids of the sessions of a user that have connections. */
  sidsOf(userId: string): readonly string[];
  /** Looks anew at a session that may have connections, and closes them if it is gone. */
  revalidate(sid: string): void;
  /** Looks anew at all sessions that have connections, and closes those of sessions that are gone. Resolves once that is done, if it can tell. */
  revalidateAll(): unknown;
}

/**
 * Where it becomes known in this process that a session has ended, whoever ended it, and where those stand
 * who hold its connections. Every store has one.
 */
export class SessionEndings {
  readonly #holders = new Set<ConnectionHolder>();
  readonly #listeners = new Set<(ending: Ending) => unknown>();
  readonly #doubtListeners = new Set<(sid: string) => void>();
  readonly #clearedListeners = new Set<() => unknown>();
  #onClosed: ((ms: number) => void) | undefined;

  /** Takes in a holder of connections until the returned function is called. */
  hold(holder: ConnectionHolder): () => void {
    this.#holders.add(holder);
    return () => {
      this.#holders.delete(holder);
    };
  }

  /** Listens for sessions that are ended by this process. */
  onEnding(listener: (ending: Ending) => unknown): void {
    this.#listeners.add(listener);
  }

  /** Closes the connections of a session that this process has ended, and resolves when all who listen are done. */
  async announce(ending: Ending): Promise<void> {
    this.close(ending.sid, ending.reason, Date.now());
    await Promise.all([...this.#listeners].map(async (listener) => listener(ending)));
  }

  /** Has all look whether a session is there, which was asked to end and has not answered but failed: it may be gone all the same. */
  doubt(sid: string, failure: unknown): never {
    this.revalidate(sid);
    for (const listener of this.#doubtListeners) listener(sid);
    throw failure;
  }

  /** Listens for sessions of which this process does not know whether it has ended them. */
  onDoubt(listener: (sid: string) => void): void {
    this.#doubtListeners.add(listener);
  }

  /** Has this process look at a session anew. */
  revalidate(sid: string): void {
    for (const holder of this.#holders) holder.revalidate(sid);
  }

  /** Listens for stores that were cleared by this process, of which nobody knows all sessions that have ended by it. */
  onCleared(listener: () => unknown): void {
    this.#clearedListeners.add(listener);
  }

  /** Has all look at their sessions anew: any of them may be gone. */
  async announceCleared(): Promise<void> {
    void this.revalidateAll();
    await Promise.all([...this.#clearedListeners].map(async (listener) => listener()));
  }

  /** Has this process look at its sessions anew. Resolves once it has. */
  async revalidateAll(): Promise<void> {
    await Promise.all([...this.#holders].map((holder) => holder.revalidateAll()));
  }

  /** Has the time from a session's end to the close of its connections told from now on, in milliseconds. */
  onClosed(listener: (ms: number) => void): void {
    this.#onClosed = listener;
  }

  /**
   * Closes this process's connections of a session that was found gone, and answers how many there were. Whoever knows
   * says when it ended, in milliseconds since the epoch by the clock of where it did.
   */
  close(sid: string, reason: EndReason, endedAt?: number): number {
    let closed = 0;
    for (const holder of this.#holders) closed += holder.end(sid, reason);
    if (this.#onClosed && closed > 0 && endedAt !== undefined)
      this.#onClosed(Math.max(0, Date.now() - endedAt));
    return closed;
  }

  /** The id of a session with connections of this process, by the digest that nodes call it by. */
  sidOf(digest: string): string | undefined {
    for (const holder of this.#holders) {
      const sid = holder.sidOf(digest);
      if (sid !== undefined) return sid;
    }
    return undefined;
  }

  /** The ids of the sessions of a user that have connections of this process. */
  sidsOf(userId: string): string[] {
    return [...new Set([...this.#holders].flatMap((holder) => holder.sidsOf(userId)))];
  }

  /** How many connections of this process a session has. */
  count(sid: string): number {
    let count = 0;
    for (const holder of this.#holders) count += holder.count(sid);
    return count;
  }
}
