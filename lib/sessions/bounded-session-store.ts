import type { SessionData, Store } from "express-session";
import { bounded } from "../calls/bounded.ts";
import type { Bounds } from "../calls/bounds.ts";
import { chunks } from "../calls/in-batches.ts";
import { inTime, unavailable } from "../calls/in-time.ts";
import { codeOf } from "../errors.ts";
import { checkedLifeMs } from "./checked-life.ts";
import { readableData, sessionDataOf } from "./data/inflate-cookie.ts";
import type { EndReason, SessionEndings } from "./session-endings.ts";
import type {
  Base,
  SessionSerializer,
  SessionSnapshot,
  SessionStore,
  StoredSession,
  WriteResult,
} from "./session-store.ts";

/** How many expiries one call asks for. The store must answer the call within the time limit. */
const EXPIRIES_AT_ONCE = 500;

/**
 * A session store whose calls are bounded in time. All data enters and leaves the stack through it: the cookie of
 * each session that comes in is a Cookie, and no session goes out unless its life is a number, whatever store is
 * behind it.
 */
export class BoundedSessionStore implements SessionStore {
  readonly #store: SessionStore;
  /** The same store, with every call bounded. */
  readonly #calls: SessionStore;
  readonly #timeoutMs: number;

  constructor(store: SessionStore, bounds: Bounds) {
    this.#store = store;
    this.#calls = bounded(store, bounds);
    this.#timeoutMs = bounds.timeoutMs;
  }

  get expressStore(): Store {
    return this.#store.expressStore;
  }

  get endings(): SessionEndings {
    return this.#store.endings;
  }

  get serializer(): SessionSerializer | undefined {
    return this.#store.serializer;
  }

  read(sid: string): Promise<StoredSession | undefined> {
    return this.#calls.read(sid).then(received);
  }

  async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    // The life is computed outside of the bounded call: a wrong answer of the app's function is no failure of the
    // store.
    this.lifeMs(next.data);
    const result = await this.#calls.write(sid, next, base);
    if (result.outcome === "changed") received(result.current);
    return result;
  }

  async refresh(sid: string, data: SessionData, version?: string): Promise<boolean> {
    this.lifeMs(data);
    return this.#calls.refresh(sid, data, version);
  }

  remove(sid: string, reason?: EndReason): Promise<unknown> {
    return this.#calls.remove(sid, reason);
  }

  wasReplaced(sid: string): Promise<boolean> {
    return this.#calls.wasReplaced(sid);
  }

  lifeMs(data: SessionData): number {
    return checkedLifeMs(this.#store.lifeMs(data));
  }

  async expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    const found: (number | undefined)[] = [];
    for (const some of chunks(sids, EXPIRIES_AT_ONCE)) found.push(...(await this.#calls.expiries(some)));
    return found.map((expiresAt) => (Number.isNaN(expiresAt) ? Number.POSITIVE_INFINITY : expiresAt));
  }

  /** Each step is bounded on its own, since the whole walk takes longer the more sessions there are. */
  async *walk(): AsyncIterable<[string, SessionData]> {
    const steps = this.#store.walk()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await inTime(steps.next().catch(walkFailed), this.#timeoutMs);
        if (step.done) return;
        const [sid, data] = step.value;
        const readable = readableData(data);
        if (readable) yield [sid, readable];
      }
    } finally {
      // This is not awaited, because an unanswered step would never let it end.
      steps.return?.().catch(() => {});
    }
  }
}

/**
 * Converts the error of a failed walk. A TypeError says that the store cannot be walked. It is no failure of the
 * store and stays a TypeError.
 */
function walkFailed(error: unknown): never {
  throw codeOf(error) || error instanceof TypeError ? error : unavailable("failed", error);
}

function received<T extends StoredSession | undefined>(stored: T): T {
  if (stored) sessionDataOf(stored.data);
  return stored;
}
