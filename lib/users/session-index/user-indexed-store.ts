import type { SessionData, Store } from "express-session";
import { sessionDeleted } from "../../errors.ts";
import { isMemoryFull } from "../../memory/memory-quotas.ts";
import { readableData } from "../../sessions/data/inflate-cookie.ts";
import type { EndReason, SessionEndings } from "../../sessions/session-endings.ts";
import {
  type Base,
  readable,
  type SessionSerializer,
  type SessionSnapshot,
  type SessionStore,
  type StoredSession,
  type WriteResult,
} from "../../sessions/session-store.ts";
import { followExpressStore } from "./follow-express-store.ts";
import { pruneEntries } from "./prune-entries.ts";
import type { SessionIndex } from "./session-index.ts";

/** Returns the id of the user whose session this is, or `undefined` for a session without a user. */
export type UserIdOf = (session: SessionData) => string | undefined;

/**
 * A session store that updates the index of users whenever a session is written. The index follows the session's
 * user, whichever code sets that user. Sessions without a user cost nothing here.
 */
export class UserIndexedStore implements SessionStore {
  readonly #store: SessionStore;
  readonly #index: SessionIndex;
  readonly #userIdOf: UserIdOf;

  constructor(store: SessionStore, index: SessionIndex, userIdOf: UserIdOf) {
    this.#store = store;
    this.#index = index;
    this.#userIdOf = userIdOf;
    followExpressStore(store.expressStore, {
      setting: (sid, data, set) => this.#follow(sid, data, data, set),
      touching: async (sid, data, touch) =>
        this.#follow(sid, (await readable(store.read(sid)))?.data, data, touch),
    });
    store.endings.onEnding(async ({ sid, data }) => {
      // The store itself announces endings, with data that `readableData` has not checked yet.
      const readable = data && readableData(data);
      const userId = readable && userIdOf(readable);
      if (userId !== undefined) await index.remove(userId, [sid]);
    });
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
    return this.#store.read(sid);
  }

  write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    const userId = this.#userIdOf(next.data);
    if (userId === undefined) return this.#writeInPlaceOf(base?.userId, sid, next, base);
    if (userId === base?.userId)
      return mayEndSooner(base, next)
        ? this.#writeSooner(sid, next, base, userId)
        : this.#writeAgain(sid, next, base, userId);
    return this.#writeLogin(sid, next, base, userId);
  }

  async refresh(sid: string, data: SessionData, version?: string): Promise<boolean> {
    const userId = this.#userIdOf(data);
    // The entry is extended first: an entry may outlive its session, but a session must not outlive its entry.
    if (userId === undefined || (await this.#index.extend(userId, sid, this.lifeMs(data))))
      return this.#store.refresh(sid, data, version);
    await this.#index.enter(userId, sid, this.lifeMs(data));
    if (await this.#store.refresh(sid, data, version)) return this.#confirm(userId, sid);
    await this.#index.remove(userId, [sid]);
    return false;
  }

  remove(sid: string, reason?: EndReason): Promise<unknown> {
    return this.#store.remove(sid, reason);
  }

  wasReplaced(sid: string): Promise<boolean> {
    return this.#store.wasReplaced(sid);
  }

  lifeMs(data: SessionData): number {
    return this.#store.lifeMs(data);
  }

  expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    return this.#store.expiries(sids);
  }

  walk(): AsyncIterable<[string, SessionData]> {
    return this.#store.walk();
  }

  /** Writes a session that already belongs to its user. Sends the session and its entry in one round trip. */
  async #writeAgain(sid: string, next: SessionSnapshot, base: Base, userId: string): Promise<WriteResult> {
    // The entry is extended first, as in `refresh`.
    const extended = this.#index.extend(userId, sid, this.lifeMs(next.data));
    const [result, isEntered] = await Promise.all([this.#store.write(sid, next, base), extended]);
    if (isEntered || result.outcome !== "written") return result;
    // The entry is lost or revoked, or it never existed, as for a session that another program has written.
    return this.#writeLogin(sid, next, { json: next.json, version: result.version, userId }, userId);
  }

  /**
   * Writes a session that may end sooner than its entry says. Reads the entry's mark before the write, and shortens the
   * entry after it. An entry that another call has extended meanwhile is not shortened, because that call may have
   * stored a longer life.
   */
  async #writeSooner(sid: string, next: SessionSnapshot, base: Base, userId: string): Promise<WriteResult> {
    const isEntered = await this.#index.extend(userId, sid, this.lifeMs(next.data));
    const mark = isEntered ? await this.#index.mark(userId, sid) : undefined;
    if (mark === undefined) return this.#writeAgain(sid, next, base, userId);
    const result = await this.#store.write(sid, next, base);
    // If shortening fails, the entry outlives its session. The save has succeeded nevertheless.
    if (result.outcome === "written")
      await this.#index.shorten(userId, sid, this.lifeMs(next.data), mark).catch(() => {});
    return result;
  }

  /**
   * Makes the entry first, writes the session second, and checks the entry third. A deletion of the user's sessions
   * revokes the entries first and deletes the sessions second. If it revokes before the entry is made, it does not
   * concern this login. If it revokes between entry and check, the check fails. After the check, it finds the session.
   */
  async #writeLogin(
    sid: string,
    next: SessionSnapshot,
    base: Base | undefined,
    userId: string,
  ): Promise<WriteResult> {
    const lifeMs = this.lifeMs(next.data);
    // Both calls share one round trip. Without `extend`, an entry left by a failed save would keep its old expiry.
    await Promise.all([this.#index.enter(userId, sid, lifeMs), this.#index.extend(userId, sid, lifeMs)]);
    const before = base?.userId === userId ? undefined : base?.userId;
    const result = await this.#writeInPlaceOf(before, sid, next, base).catch(async (error) => {
      // Nothing was written, and no other call has written the session for this user.
      if (isMemoryFull(error) && base?.userId !== userId) await this.#index.remove(userId, [sid]);
      throw error;
    });
    // Another request wrote the session. The caller merges and writes again, so the entry stays for that write.
    if (result.outcome === "changed") return result;
    if (result.outcome !== "written") {
      await this.#index.remove(userId, [sid]);
      return result;
    }
    if (!(await this.#confirm(userId, sid))) return { outcome: "deleted" };
    // The login does not wait for the pruning. If the pruning fails, the next login repeats it.
    pruneEntries(this.#index, this.#store, userId).catch(() => {});
    return result;
  }

  /** Updates the index around a call that an app makes on `req.sessionStore`, in the order of a login. */
  async #follow(
    sid: string,
    owned: SessionData | undefined,
    data: SessionData,
    call: () => Promise<void>,
  ): Promise<void> {
    const known = owned && readableData(JSON.parse(JSON.stringify(owned)));
    const userId = known && this.#userIdOf(known);
    if (userId === undefined) return call();
    const lifeMs = this.lifeMs(data);
    await Promise.all([this.#index.enter(userId, sid, lifeMs), this.#index.extend(userId, sid, lifeMs)]);
    await call();
    const [expiresAt] = await this.#store.expiries([sid]);
    if (expiresAt === undefined) await this.#index.remove(userId, [sid]);
    else if (!(await this.#confirm(userId, sid))) throw sessionDeleted();
  }

  /** Resolves to whether the user's entry is still valid. If it is not, ends the session. */
  async #confirm(userId: string, sid: string): Promise<boolean> {
    if (await this.#index.confirm(userId, sid)) return true;
    await this.#store.remove(sid, "session_ended");
    await this.#index.remove(userId, [sid]);
    return false;
  }

  /**
   * Writes a session that may have belonged to another user, and then removes that user's entry. The removal comes
   * after the write, because a surplus entry can be found and a missing one cannot. The entry stays if another request
   * has brought that user back meanwhile.
   */
  #writeInPlaceOf(
    userId: string | undefined,
    sid: string,
    next: SessionSnapshot,
    base: Base | undefined,
  ): Promise<WriteResult> {
    return userId === undefined
      ? this.#store.write(sid, next, base)
      : this.#writeAfter(userId, sid, next, base);
  }

  async #writeAfter(
    userId: string,
    sid: string,
    next: SessionSnapshot,
    base: Base | undefined,
  ): Promise<WriteResult> {
    const mark = await this.#index.mark(userId, sid);
    const result = await this.#store.write(sid, next, base);
    if (result.outcome === "written" && mark !== undefined) await this.#index.removeMarked(userId, sid, mark);
    return result;
  }
}

/** Returns whether the new cookie age may end the session sooner than the age with which it was loaded. */
function mayEndSooner({ ageMs }: Base, { data }: SessionSnapshot): boolean {
  const { originalMaxAge } = data.cookie;
  if (ageMs === undefined || ageMs === originalMaxAge) return false;
  return ageMs === null || originalMaxAge === null || originalMaxAge < ageMs;
}
