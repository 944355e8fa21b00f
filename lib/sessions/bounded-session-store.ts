import type { SessionData, Store } from "express-session";
import { SessionStackError } from "../errors.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";
import type { SessionSnapshot, SessionStore, StoredSession, WriteResult } from "./session-store.ts";
import { timedOut, unavailable } from "./within.ts";

/**
 * Calls that may wait for an answer at a time. A client that is offline queues what it is given, also
 * what nobody waits for any more; this keeps that queue short.
 */
const MAX_UNANSWERED = 10_000;

/** A store whose every call ends within `timeoutMs`, and fails with `ERR_STORE_UNAVAILABLE` and the reason as its cause. */
export class BoundedSessionStore implements SessionStore {
  readonly timeoutMs: number;
  readonly #store: SessionStore;
  #unanswered = 0;

  constructor(store: SessionStore, timeoutMs: number) {
    this.#store = store;
    this.timeoutMs = timeoutMs;
  }

  get expressStore(): Store {
    return this.#store.expressStore;
  }

  get endings(): SessionEndings {
    return this.#store.endings;
  }

  read(sid: string): Promise<StoredSession | undefined> {
    return this.#bounded(() => this.#store.read(sid));
  }

  write(sid: string, next: SessionSnapshot, expected: string | undefined): Promise<WriteResult> {
    return this.#bounded(() => this.#store.write(sid, next, expected));
  }

  refresh(sid: string, data: SessionData): Promise<boolean> {
    return this.#bounded(() => this.#store.refresh(sid, data));
  }

  remove(sid: string, reason: EndReason): Promise<void> {
    return this.#bounded(() => this.#store.remove(sid, reason));
  }

  expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    return this.#bounded(() => this.#store.expiries(sids));
  }

  /** One promise and one timer for each call: every request makes one. */
  #bounded<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#unanswered >= MAX_UNANSWERED) {
        reject(unavailable("has too many calls waiting"));
        return;
      }
      this.#unanswered++;
      const timer = setTimeout(() => reject(timedOut(this.timeoutMs)), this.timeoutMs);
      const answered = () => {
        this.#unanswered--;
        clearTimeout(timer);
      };
      const failed = (error: unknown) => {
        answered();
        reject(error instanceof SessionStackError ? error : unavailable("failed", error));
      };
      try {
        call().then((value) => {
          answered();
          resolve(value);
        }, failed);
      } catch (error) {
        failed(error);
      }
    });
  }
}
