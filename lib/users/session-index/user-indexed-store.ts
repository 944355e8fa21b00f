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

/** Whose session this is; `undefined` for nobody's. */
export type UserIdOf = (session: SessionData) => string | undefined;

/**
 * A session store that keeps the index of users as sessions are written: wherever the user comes from, the
 * index follows. Sessions of nobody cost nothing here.
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
      // What the door has not seen: endings are told by the store itself.
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
    // The entry first: it may outlive its session, not the other way round.
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

  /** Writes a session that its user has already, with its entry in one round trip. */
  async #writeAgain(sid: string, next: SessionSnapshot, base: Base, userId: string): Promise<WriteResult> {
    // The entry first, as above.
    const extended = this.#index.extend(userId, sid, this.lifeMs(next.data));
    const [result, isEntered] = await Promise.all([this.#store.write(sid, next, base), extended]);
    if (isEntered || result.outcome !== "written") return result;
    // Its entry is lost, was revoked, or never was, as with a session that another program has written.
    return this.#writeLogin(sid, next, { json: next.json, version: result.version, userId }, userId);
  }

  /**
   * Writes a session that may end sooner than its entry says. The entry is marked before and moved after, unless
   * somebody has extended it meanwhile: that one may have stored a longer life by then.
   */
  async #writeSooner(sid: string, next: SessionSnapshot, base: Base, userId: string): Promise<WriteResult> {
    const isEntered = await this.#index.extend(userId, sid, this.lifeMs(next.data));
    const mark = isEntered ? await this.#index.mark(userId, sid) : undefined;
    if (mark === undefined) return this.#writeAgain(sid, next, base, userId);
    const result = await this.#store.write(sid, next, base);
    // An entry that is not moved outlives its session, which is no failure of the save.
    if (result.outcome === "written")
      await this.#index.shorten(userId, sid, this.lifeMs(next.data), mark).catch(() => {});
    return result;
  }

  /**
   * The entry first, the session second, the entry checked third. Whoever deletes the user's sessions revokes
   * the entries first and deletes second: if it comes before the entry, it has nothing to do with this login;
   * if between entry and check, the check fails; if after the check, it finds the session.
   */
  async #writeLogin(
    sid: string,
    next: SessionSnapshot,
    base: Base | undefined,
    userId: string,
  ): Promise<WriteResult> {
    const lifeMs = this.lifeMs(next.data);
    // In one round trip: an entry that a failed save has left would keep the expiry of that one.
    await Promise.all([this.#index.enter(userId, sid, lifeMs), this.#index.extend(userId, sid, lifeMs)]);
    const before = base?.userId === userId ? undefined : base?.userId;
    const result = await this.#writeInPlaceOf(before, sid, next, base).catch(async (error) => {
      // Nothing was written, and nobody else has written it for this user.
      if (isMemoryFull(error) && base?.userId !== userId) await this.#index.remove(userId, [sid]);
      throw error;
    });
    // Somebody else wrote: the writer merges and comes again, and the entry waits for it.
    if (result.outcome === "changed") return result;
    if (result.outcome !== "written") {
      await this.#index.remove(userId, [sid]);
      return result;
    }
    if (!(await this.#confirm(userId, sid))) return { outcome: "deleted" };
    // Not waited for, and done again by the next login if it fails.
    pruneEntries(this.#index, this.#store, userId).catch(() => {});
    return result;
  }

  /** Keeps the index around what an app does through `req.sessionStore`, in the order of a login. */
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

  /** Whether the session may be the user's; else it is ended. */
  async #confirm(userId: string, sid: string): Promise<boolean> {
    if (await this.#index.confirm(userId, sid)) return true;
    await this.#store.remove(sid, "session_ended");
    await this.#index.remove(userId, [sid]);
    return false;
  }

  /**
   * Writes a session that may have been another user's, and takes out that one's entry: after it, since an entry
   * too many is found and one too few never, and only if nobody has brought the user back meanwhile.
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

/** Whether a session may end sooner than it would have ended as it was loaded. */
function mayEndSooner({ ageMs }: Base, { data }: SessionSnapshot): boolean {
  const { originalMaxAge } = data.cookie;
  if (ageMs === undefined || ageMs === originalMaxAge) return false;
  return ageMs === null || originalMaxAge === null || originalMaxAge < ageMs;
}
