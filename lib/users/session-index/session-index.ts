/** One session of a user, as the index has it. */
export interface IndexEntry {
  /** The session's id. */
  readonly sid: string;
  /** When the session ends if nothing moves its expiry, by the index's clock: milliseconds since the epoch, `Infinity` for never. */
  readonly expiresAt: number;
}

/**
 * Which sessions a user has (after Spring Session's FindByIndexNameSessionRepository).
 *
 * The rules, which the conformance suite attacks:
 * - An entry is made before its session is written with the user, and confirmed after it: an entry that was
 *   revoked in between is not confirmed, also if it was entered again. So a login either is found by whoever
 *   revokes, or finds that it was revoked.
 * - Revoking is not forgetting: revoked entries are revoked again by the next call, until they are removed
 *   once their sessions are gone. So a call that failed halfway can be made again.
 * - Nothing outlives the last session of a user: where entries are kept, they expire with it.
 * - A user may have any number of sessions. What a call with a `limit`, at least 1, costs grows with the limit, not with that number;
 *   only the first `revoke` of many entries may take longer.
 *
 * No call looks at more than one user's entries. User ids are any strings.
 */
export interface SessionIndex {
  /** Enters a session that lives for so many milliseconds more; one that is entered already, revoked or not, stays as it is. */
  enter(userId: string, sid: string, lifeMs: number): Promise<void>;

  /** Whether the session is entered and was not revoked. */
  confirm(userId: string, sid: string): Promise<boolean>;

  /**
   * Moves the expiry of an entry to a later time; an earlier one leaves it where it is, since whoever extends it may not
   * know what others have stored. Resolves to `false` if there is none or it was revoked.
   */
  extend(userId: string, sid: string, lifeMs: number): Promise<boolean>;

  /**
   * Revokes all entries but one, in one step, and resolves to the ids of at most `limit` entries that are revoked now:
   * also of that one, if an earlier call has revoked it. Without `limit`, to all of them. What is revoked stays so: a
   * login that it has overtaken must not be confirmed after all.
   */
  revoke(userId: string, exceptSid: string | undefined, limit?: number): Promise<string[]>;

  /**
   * The ids of at most `limit` entries that are revoked; without `limit`, of all. The same ones come again until they are
   * removed, so that whoever removes what it has been given comes to the end.
   */
  revoked(userId: string, limit?: number): Promise<string[]>;

  /** Revokes one entry. Resolves to `false` if the user has no such session. */
  revokeOne(userId: string, sid: string): Promise<boolean>;

  /** Removes entries. Those that are not there are no error. */
  remove(userId: string, sids: readonly string[]): Promise<void>;

  /**
   * Removes those of these entries that are revoked. One that was removed by another call meanwhile, and entered
   * anew, is another login's and stays.
   */
  removeRevoked(userId: string, sids: readonly string[]): Promise<void>;

  /** What tells an entry from the same one entered or extended again; `undefined` if there is none. */
  mark(userId: string, sid: string): Promise<number | undefined>;

  /** Moves the expiry of an entry to an earlier time, if it was not revoked and nobody has entered or extended it since it was marked. */
  shorten(userId: string, sid: string, lifeMs: number, mark: number): Promise<void>;

  /** Removes an entry that nobody has entered or extended since it was marked. */
  removeMarked(userId: string, sid: string, mark: number): Promise<void>;

  /**
   * The entries that were not revoked, at most `limit`: those that expire last, the last one first; or with `"first"` those
   * that expire first, the first one first. Without `limit`, all of them.
   */
  entries(userId: string, limit?: number, which?: "first" | "last"): Promise<IndexEntry[]>;
}
