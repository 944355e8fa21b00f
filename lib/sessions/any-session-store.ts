import type { SessionData, Store } from "express-session";
import { answerOf, done as asDone, callBack, isOfAdapter } from "../calls/callback.ts";
import { inBatches } from "../calls/in-batches.ts";
import { inTime, timedOut } from "../calls/in-time.ts";
import { type Turn, Turns } from "../calls/turns.ts";
import { isSessionUnreadable } from "../errors.ts";
import { inflateCookie } from "./data/inflate-cookie.ts";
import { expiryOf } from "./data/session-cookie.ts";
import { ReplacedIds } from "./replaced-ids.ts";
import { type EndReason, SessionEndings } from "./session-endings.ts";
import type { Base, SessionSnapshot, SessionStore, StoredSession, WriteResult } from "./session-store.ts";
import { assertSessionData, isSessionData, sessionUnreadable } from "./session-store.ts";

/** Stores give a list of sessions with their ids, or an object by id. */
type AllSessions = Record<string, SessionData & { id?: string }> | (SessionData & { id?: string })[] | null;

/** How many ids are remembered. Beyond this number the oldest id is forgotten. */
const REMEMBERED = 10_000;

/** How many sessions `clear` ends at a time. */
const CLEARED_AT_ONCE = 100;

/** Stands for a session whose contents the store did not return. */
const UNKNOWN = { data: undefined } as const;
const adapters = new WeakMap<Store, AnySessionStore>();

/**
 * Makes any express-session store keep the contract as far as its four calls allow.
 *
 * Reads and writes of one session are queued in this process. So within this process nothing is lost and nothing
 * comes back. Another process can still write between a read and a write of this one: across processes the guarantees
 * are best effort.
 *
 * A new session is written without a read first. This process knows which ids it has met, and `genid` is expected to
 * return free ones.
 *
 * The adapter replaces `destroy` and `clear` of the store. So a session that the app ends through `req.sessionStore`
 * is ended for its requests and connections too.
 */
export class AnySessionStore implements SessionStore {
  readonly endings: SessionEndings = new SessionEndings();
  readonly expressStore: Store;
  readonly #destroy: (sid: string) => Promise<void>;
  readonly #timeoutMs: number;
  readonly #turns: Turns;
  /** Ids that the store has or may have, as far as this process knows. Only these prevent the creation of a session. */
  readonly #met = new Set<string>();
  readonly #replaced = new ReplacedIds();

  /** Returns the one adapter of a store. All middlewares that use the store share this adapter and its queues. */
  static over(store: Store, timeoutMs: number): AnySessionStore {
    const known = adapters.get(store);
    if (known) return known;
    const adapter = new AnySessionStore(store, timeoutMs);
    adapters.set(store, adapter);
    return adapter;
  }

  /** When the store does not answer a call within `timeoutMs`, the queued calls stop waiting for it. */
  private constructor(store: Store, timeoutMs: number) {
    this.expressStore = store;
    this.#timeoutMs = timeoutMs;
    this.#turns = new Turns(timeoutMs);
    const destroy = store.destroy;
    this.#destroy = (sid) => answerOf((done) => destroy.call(store, sid, done));
    store.destroy = (sid, callback) => {
      if (!callback || !isOfAdapter(callback)) {
        callBack(asDone(this.remove(sid, "session_ended")), callback);
      } else {
        // The store itself ends a session that it was asked for, and passes the callback on, as connect-redis does
        // with an expired session. This `destroy` is part of a queued step. If it were queued too, the step would
        // wait for itself.
        destroy.call(store, sid, (error) => {
          if (!error) void this.endings.announce({ sid, reason: "session_ended" }).catch(() => {});
          callback(error);
        });
      }
    };
    const { clear } = store;
    if (typeof clear !== "function") return;
    store.clear = (callback) =>
      callBack(
        this.#clear(() => answerOf((done) => clear.call(store, done))),
        callback,
      );
  }

  /** Ends all sessions. If the store cannot list them, the holders of their connections find out that they are gone. */
  async #clear(clear: () => Promise<void>): Promise<void> {
    const sids: string[] = [];
    if (typeof this.expressStore.all === "function") {
      for await (const [sid] of this.walk()) sids.push(sid);
      await inBatches(sids, (sid) => this.remove(sid, "session_ended"), CLEARED_AT_ONCE);
    }
    await clear();
    this.#met.clear();
    await this.endings.announceCleared();
  }

  async read(sid: string): Promise<StoredSession | undefined> {
    try {
      const data = await answerOf<SessionData | null>((done) => this.expressStore.get(sid, done));
      if (!data) return undefined;
      this.#meet(sid);
      return stored(data);
    } catch (error) {
      return this.#understood(sid, error);
    }
  }

  async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    let ended: SessionData | undefined;
    const result = await this.#turns.write<WriteResult>(sid, async (turn) => {
      const current = base || this.#met.has(sid) ? await this.read(sid) : undefined;
      if (!current && base) return { outcome: "deleted" };
      if (current && current.version !== base?.version) return { outcome: "changed", current };
      this.#stopIfOver(turn);
      // The write uses the JSON text. The app may have changed the live session while the store was asked.
      const data = JSON.parse(next.json) as SessionData;
      data.cookie = inflateCookie(data.cookie);
      const { expires } = data.cookie;
      if (expires && expires.getTime() <= Date.now()) {
        await this.#destroyKnown(sid);
        ended = current?.data;
        return { outcome: "expired" };
      }
      // The version is computed before the store gets the data, because some stores keep the object itself.
      const version = JSON.stringify(data);
      // The id is noted before the answer. The answer may not come although the session is stored.
      this.#meet(sid);
      await answerOf((done) => this.expressStore.set(sid, data, done));
      return { outcome: "written", version };
    });
    if (result.outcome === "expired")
      await this.endings.announce({ sid, reason: "session_ended", data: ended });
    return result;
  }

  refresh(sid: string, data: SessionData, version?: string): Promise<boolean> {
    const { touch } = this.expressStore;
    if (typeof touch !== "function") return Promise.resolve(true);
    // The cookie is copied, because some stores keep the object itself and the app goes on changing its own.
    const cookie = inflateCookie(JSON.parse(JSON.stringify(data.cookie)) as SessionData["cookie"]);
    return this.#turns.write(sid, async (turn) => {
      // Some stores write the whole session when they touch it. So a read first checks that the session is still
      // there.
      const current = await this.read(sid);
      if (!current) return false;
      if (version !== undefined && version !== current.version) return true;
      this.#stopIfOver(turn);
      const touched = Object.assign(current.data, { cookie });
      await answerOf((done) => touch.call(this.expressStore, sid, touched, done));
      return true;
    });
  }

  async remove(sid: string, reason?: EndReason): Promise<boolean> {
    if (reason === "session_replaced") this.#replaced.add(sid);
    const found = await this.#turns.end(sid, async () => {
      // A session must end even if the store never returns its contents. Half of the step's time is left for ending
      // it.
      const asked = reason && inTime(this.read(sid), this.#timeoutMs / 2);
      const stored = await asked?.catch(() => UNKNOWN);
      await this.#destroyKnown(sid).catch((error) => this.endings.doubt(sid, error));
      return stored;
    });
    if (reason) await this.endings.announce({ sid, reason, data: found?.data });
    return !reason || found !== undefined;
  }

  /** Only this process knows replaced ids, because an arbitrary store has no place for them. */
  async wasReplaced(sid: string): Promise<boolean> {
    return this.#replaced.has(sid);
  }

  lifeMs({ cookie }: SessionData): number {
    return expiresAt(cookie) - Date.now();
  }

  async *walk(): AsyncIterable<[string, SessionData]> {
    const { all } = this.expressStore;
    if (typeof all !== "function")
      throw new TypeError("The store has no all(), so its sessions cannot be walked.");
    const found =
      (await answerOf<AllSessions | undefined>((done) => all.call(this.expressStore, done))) ?? {};
    // In an object of sessions, a member `id` belongs to the app.
    const isList = Array.isArray(found);
    for (const [name, data] of Object.entries(found)) {
      const sid = isList ? data?.id : name;
      if (typeof sid !== "string")
        throw new TypeError("The store's all() does not tell the ids of its sessions.");
      if (isSessionData(data)) yield [sid, stored(data).data];
    }
  }

  expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    return Promise.all(
      sids.map(async (sid) => {
        try {
          const found = await this.read(sid);
          return found && expiresAt(inflateCookie(found.data.cookie));
        } catch (error) {
          // An unreadable session is still there. It must not prevent the answer for the other sessions.
          if (isSessionUnreadable(error)) return Number.POSITIVE_INFINITY;
          throw error;
        }
      }),
    );
  }

  /**
   * Throws if the step has timed out during its read. Its caller was told that it failed; since then later writes may
   * have begun, or the session may have ended.
   */
  #stopIfOver({ isOver }: Turn): void {
    if (isOver) throw timedOut(this.#timeoutMs);
  }

  #meet(sid: string): void {
    if (this.#met.has(sid)) return;
    this.#met.add(sid);
    if (this.#met.size <= REMEMBERED) return;
    const [oldest] = this.#met;
    if (oldest !== undefined) this.#met.delete(oldest);
  }

  async #destroyKnown(sid: string): Promise<void> {
    await this.#destroy(sid);
    this.#met.delete(sid);
  }

  /** Interprets an error of a read. As in express-session, `ENOENT` means that the session does not exist. */
  #understood(sid: string, error: unknown): undefined {
    if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    this.#meet(sid);
    throw sessionUnreadable();
  }
}

function expiresAt({ expires }: SessionData["cookie"]): number {
  return expiryOf(expires)?.getTime() ?? Number.POSITIVE_INFINITY;
}

function stored(found: SessionData): StoredSession {
  assertSessionData(found);
  // Stores that keep objects return references to them, also to other callers. This copy is not shared.
  const json = JSON.stringify(found);
  return { data: JSON.parse(json) as SessionData, json, version: json };
}
