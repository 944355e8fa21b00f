import type { SessionData, Store } from "express-session";
import { chunks } from "../in-batches.ts";
import type { Bounds } from "./bounds.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";
import type { Base, SessionSnapshot, SessionStore, StoredSession, WriteResult } from "./session-store.ts";

/** Sessions whose expiries are asked for in one call, which is to be answered in its time. */
const EXPIRIES_AT_ONCE = 500;

/** A session store whose calls are bounded. */
export class BoundedSessionStore implements SessionStore {
  readonly #store: SessionStore;
  readonly #bounds: Bounds;

  constructor(store: SessionStore, bounds: Bounds) {
    this.#store = store;
    this.#bounds = bounds;
  }

  get expressStore(): Store {
    return this.#store.expressStore;
  }

  get endings(): SessionEndings {
    return this.#store.endings;
  }

  read(sid: string): Promise<StoredSession | undefined> {
    return this.#bounds.call(() => this.#store.read(sid));
  }

  write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    return this.#bounds.call(() => this.#store.write(sid, next, base));
  }

  refresh(sid: string, data: SessionData): Promise<boolean> {
    return this.#bounds.call(() => this.#store.refresh(sid, data));
  }

  remove(sid: string, reason?: EndReason): Promise<void> {
    return this.#bounds.call(() => this.#store.remove(sid, reason));
  }

  lifeMs(data: SessionData): number {
    return this.#store.lifeMs(data);
  }

  async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    const found: (number | undefined)[] = [];
    for (const some of chunks(sids, EXPIRIES_AT_ONCE))
      found.push(...(await this.#bounds.call(() => this.#store.expiries(some))));
    return found;
  }

  walk(): AsyncIterable<[string, SessionData]> {
    return this.#store.walk();
  }
}
