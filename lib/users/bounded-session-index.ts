import type { Bounds } from "../sessions/bounds.ts";
import type { IndexEntry, SessionIndex } from "./session-index.ts";

/** An index whose calls are bounded. */
export class BoundedSessionIndex implements SessionIndex {
  readonly #index: SessionIndex;
  readonly #bounds: Bounds;

  constructor(index: SessionIndex, bounds: Bounds) {
    this.#index = index;
    this.#bounds = bounds;
  }

  enter(userId: string, sid: string, lifeMs: number): Promise<void> {
    return this.#bounds.call(() => this.#index.enter(userId, sid, lifeMs));
  }

  confirm(userId: string, sid: string): Promise<boolean> {
    return this.#bounds.call(() => this.#index.confirm(userId, sid));
  }

  extend(userId: string, sid: string, lifeMs: number): Promise<boolean> {
    return this.#bounds.call(() => this.#index.extend(userId, sid, lifeMs));
  }

  revoke(userId: string, exceptSid: string | undefined): Promise<string[]> {
    return this.#bounds.call(() => this.#index.revoke(userId, exceptSid));
  }

  revokeOne(userId: string, sid: string): Promise<boolean> {
    return this.#bounds.call(() => this.#index.revokeOne(userId, sid));
  }

  remove(userId: string, sids: readonly string[]): Promise<void> {
    return this.#bounds.call(() => this.#index.remove(userId, sids));
  }

  mark(userId: string, sid: string): Promise<number | undefined> {
    return this.#bounds.call(() => this.#index.mark(userId, sid));
  }

  removeRevoked(userId: string, sids: readonly string[]): Promise<void> {
    return this.#bounds.call(() => this.#index.removeRevoked(userId, sids));
  }

  removeMarked(userId: string, sid: string, mark: number): Promise<void> {
    return this.#bounds.call(() => this.#index.removeMarked(userId, sid, mark));
  }

  entries(userId: string): Promise<IndexEntry[]> {
    return this.#bounds.call(() => this.#index.entries(userId));
  }
}
