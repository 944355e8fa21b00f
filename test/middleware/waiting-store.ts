import session, { type SessionData } from "express-session";

/** express-session's own store, whose writes wait while the test holds them. */
export class WaitingStore extends session.MemoryStore {
  #released: Promise<void> = Promise.resolve();
  #release = (): void => {};
  #arrived: () => void = () => {};

  /** Holds every write from now on. Resolves when one has arrived. */
  hold(): Promise<void> {
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    return new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }

  release(): void {
    this.#release();
  }

  override set(sid: string, data: SessionData, callback?: (error?: unknown) => void): void {
    this.#arrived();
    void this.#released.then(() => super.set(sid, data, callback));
  }
}
