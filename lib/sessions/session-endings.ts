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

/** A holder of connections that are bound to sessions. */
export interface ConnectionHolder {
  /** Closes the connections of a session and returns how many there were. */
  end(sid: string, reason: EndReason): number;
  /** How many connections a session has. */
  count(sid: string): number;
  /** Returns the id of the session with this digest, if the session has connections. */
  sidOf(digest: string): string | undefined;
  /** Returns the ids of the user's sessions that have connections. */
  sidsOf(userId: string): readonly string[];
  /** Checks a session again that may have connections, and closes them if the session is gone. */
  revalidate(sid: string): void;
  /**
   * Checks all sessions again that have connections, and closes the connections of sessions that are gone. Resolves
   * once that is done, if the holder can tell.
   */
  revalidateAll(): unknown;
}

/**
 * Distributes the news in this process that a session has ended, whoever ended it, and knows the holders of its
 * connections. Every store has one.
 */
export class SessionEndings {
  readonly #holders = new Set<ConnectionHolder>();
  readonly #listeners = new Set<(ending: Ending) => unknown>();
  readonly #doubtListeners = new Set<(sid: string) => void>();
  readonly #clearedListeners = new Set<() => unknown>();
  #onClosed: ((ms: number) => void) | undefined;

  /** Adds a holder of connections until the returned function is called. */
  hold(holder: ConnectionHolder): () => void {
    this.#holders.add(holder);
    return () => {
      this.#holders.delete(holder);
    };
  }

  /** Adds a listener for sessions that this process ends. */
  onEnding(listener: (ending: Ending) => unknown): void {
    this.#listeners.add(listener);
  }

  /** Closes the connections of a session that this process has ended. Resolves when all listeners are done. */
  async announce(ending: Ending): Promise<void> {
    this.close(ending.sid, ending.reason, Date.now());
    await Promise.all([...this.#listeners].map(async (listener) => listener(ending)));
  }

  /**
   * Makes all nodes check a session whose removal failed without an answer: it may be gone all the same. Then throws
   * the failure.
   */
  doubt(sid: string, failure: unknown): never {
    this.revalidate(sid);
    for (const listener of this.#doubtListeners) listener(sid);
    throw failure;
  }

  /** Adds a listener for sessions that this process may or may not have ended. */
  onDoubt(listener: (sid: string) => void): void {
    this.#doubtListeners.add(listener);
  }

  /** Makes this process check a session again. */
  revalidate(sid: string): void {
    for (const holder of this.#holders) holder.revalidate(sid);
  }

  /**
   * Adds a listener for the clearing of the store by this process. Nobody knows all sessions that a clear has ended.
   */
  onCleared(listener: () => unknown): void {
    this.#clearedListeners.add(listener);
  }

  /** Makes all nodes check their sessions again, because any of these may be gone. */
  async announceCleared(): Promise<void> {
    void this.revalidateAll();
    await Promise.all([...this.#clearedListeners].map(async (listener) => listener()));
  }

  /** Makes this process check all its sessions again. Resolves once it has. */
  async revalidateAll(): Promise<void> {
    await Promise.all([...this.#holders].map((holder) => holder.revalidateAll()));
  }

  /** Sets the listener for the milliseconds between a session's end and the close of its connections. */
  onClosed(listener: (ms: number) => void): void {
    this.#onClosed = listener;
  }

  /**
   * Closes this process's connections of a session that was found gone, and returns how many there were. `endedAt` is
   * the time when the session ended, if it is known, in milliseconds since the epoch by the clock of the ending node.
   */
  close(sid: string, reason: EndReason, endedAt?: number): number {
    let closed = 0;
    for (const holder of this.#holders) closed += holder.end(sid, reason);
    if (this.#onClosed && closed > 0 && endedAt !== undefined)
      this.#onClosed(Math.max(0, Date.now() - endedAt));
    return closed;
  }

  /** Returns the id of a session by its digest, if this process has connections of the session. */
  sidOf(digest: string): string | undefined {
    for (const holder of this.#holders) {
      const sid = holder.sidOf(digest);
      if (sid !== undefined) return sid;
    }
    return undefined;
  }

  /** Returns the ids of the user's sessions that have connections of this process. */
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
