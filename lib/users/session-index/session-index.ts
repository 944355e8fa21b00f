/** One session of a user in the index. */
export interface IndexEntry {
  /** The session's id. */
  readonly sid: string;
  /**
   * When the session ends if nothing moves its expiry, in milliseconds since the epoch, by the index's clock.
   * `Infinity` means never.
   */
  readonly expiresAt: number;
}

/**
 * Knows which sessions a user has. The model is Spring Session's FindByIndexNameSessionRepository.
 *
 * The conformance suite attacks these rules:
 * - A login makes an entry before it writes the session with the user, and confirms the entry afterwards. An entry that
 *   was revoked in between is not confirmed, also if it was entered again. So either the revoking call finds the login,
 *   or the login finds that it was revoked.
 * - A revoked entry stays until its session is gone and the entry is removed. The next call revokes it again. So a
 *   call that failed halfway can be repeated.
 * - Nothing outlives the last session of a user. Stored entries expire with that session.
 * - A user may have any number of sessions. A `limit` is at least 1. The cost of a call with a `limit` grows with the
 *   limit, not with the number of sessions. Only the first `revoke` of many entries may take longer.
 *
 * No call looks at more than one user's entries. A user id may be any string.
 */
export interface SessionIndex {
  /** Enters a session that lives for `lifeMs` more. An existing entry, revoked or not, stays unchanged. */
  enter(userId: string, sid: string, lifeMs: number): Promise<void>;

  /** Resolves to whether the session has an entry that was not revoked. */
  confirm(userId: string, sid: string): Promise<boolean>;

  /**
   * Moves the expiry of an entry to a later time. An earlier time leaves the expiry unchanged, because the caller may
   * not know what others have stored. Resolves to `false` if the entry does not exist or was revoked.
   */
  extend(userId: string, sid: string, lifeMs: number): Promise<boolean>;

  /**
   * Revokes all entries except that of `exceptSid`, in one step. Resolves to the ids of at most `limit` revoked
   * entries, or of all without a `limit`. `exceptSid` is among them if an earlier call has revoked its entry. A
   * revoked entry stays revoked: a login that the revocation has overtaken must not be confirmed later.
   */
  revoke(userId: string, exceptSid: string | undefined, limit?: number): Promise<string[]>;

  /**
   * Resolves to the ids of at most `limit` revoked entries, or of all without a `limit`. Returns the same ids again
   * until their entries are removed. So a caller that removes each result reaches the end.
   */
  revoked(userId: string, limit?: number): Promise<string[]>;

  /** Revokes one entry. Resolves to `false` if the user has no entry for this session. */
  revokeOne(userId: string, sid: string): Promise<boolean>;

  /** Removes entries. A missing entry is no error. */
  remove(userId: string, sids: readonly string[]): Promise<void>;

  /**
   * Removes the given entries that are revoked, and no others. Another call may meanwhile have removed an entry, and
   * another login may have entered it again. That entry stays.
   */
  removeRevoked(userId: string, sids: readonly string[]): Promise<void>;

  /** Resolves to a number that changes when the entry is entered or extended again. `undefined` means no entry. */
  mark(userId: string, sid: string): Promise<number | undefined>;

  /**
   * Moves the expiry of an entry to an earlier time. Does so only if the entry was not revoked, and if nobody has
   * entered or extended it since `mark` was read.
   */
  shorten(userId: string, sid: string, lifeMs: number, mark: number): Promise<void>;

  /** Removes an entry, if nobody has entered or extended it since `mark` was read. */
  removeMarked(userId: string, sid: string, mark: number): Promise<void>;

  /**
   * Resolves to at most `limit` entries that were not revoked, or to all without a `limit`. By default these are the
   * entries that expire last, the last one first. With `"first"` they are the entries that expire first, in the order
   * of expiry.
   */
  entries(userId: string, limit?: number, which?: "first" | "last"): Promise<IndexEntry[]>;
}
