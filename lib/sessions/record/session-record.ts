import type { Session, SessionData } from "express-session";
import { sessionDeleted } from "../../errors.ts";
import { cookieOf } from "../data/session-cookie.ts";
import type { SaveOptions } from "../saving/save.ts";
import type { EndReason } from "../session-endings.ts";
import { type Base, baseOf, type StoredSession } from "../session-store.ts";
import type { RecordOwner } from "./record-owner.ts";
import { settled } from "./settled.ts";
import { differs, takeOver, takeOverCookie } from "./take-over.ts";
import { UnsureInsert } from "./unsure-insert.ts";

const NONE: ReadonlySet<string> = new Set();

/**
 * One session as one request or connection holds it: its loaded state, its changes, and whether it has ended.
 *
 * All writes of a session go through this class, so guarantees 1 and 2 are kept here. A save compares with what was
 * loaded, merges what others have saved since, and is refused once the session is gone.
 */
export class SessionRecord {
  readonly session: Session;
  /** Whether a user is about to be logged in by proof of identity, not by the contents of the session. */
  isLoggingIn = false;
  /** Whether a save has written changes. */
  wasModified = false;
  /** Whether a save has succeeded, with changes or without. */
  wasSaved = false;
  /** The error of the last save; `undefined` if it has not failed. */
  failure: unknown;
  readonly #owner: RecordOwner;
  #base: Base | undefined;
  /** Keys that an unanswered save may have written. Their present values count as changes. */
  #unsure: ReadonlySet<string> = NONE;
  /** The first save, while nobody knows whether it has stored the session. */
  #unsureInsert: UnsureInsert | undefined;
  #ended = false;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** When the store last confirmed that the session exists. */
  #seenAt = Number.NEGATIVE_INFINITY;

  constructor(session: Session, owner: RecordOwner, stored: StoredSession | undefined) {
    this.session = session;
    this.#owner = owner;
    this.#base = stored && baseOf(stored, (data) => owner.userIdOf(data));
    if (!this.#base) return;
    this.#seenAt = performance.now();
    owner.saves.saw(session.id, this.#base);
  }

  /** Whether the session is stored, as far as this record knows. */
  get isStored(): boolean {
    return this.#base !== undefined && !this.#ended;
  }

  /** Whether this record has found or caused the end of the session. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The user of the stored session, as far as this record knows. */
  get userId(): string | undefined {
    return this.#base?.userId;
  }

  /** Marks the session as ended. Nothing of it is stored from now on. */
  close(): void {
    this.#ended = true;
  }

  /** Whether an unanswered first save may have stored the session. No client has its cookie then. */
  get isUnsure(): boolean {
    return this.#unsureInsert !== undefined && !this.#ended;
  }

  /** Resolves when the save that is under way is done, and never rejects; `undefined` if no save is under way. */
  get saving(): Promise<void> | undefined {
    return this.#running && settled(this.#running);
  }

  /**
   * Whether the session has unsaved changes, including its cookie. The call costs one serialisation if there are
   * none. A new session with nothing but a cookie has no changes worth storing.
   */
  hasChanges(): boolean {
    // This comes first. It converts a value that the app has put in the place of a Cookie, or throws.
    cookieOf(this.session);
    return this.#unsure.size > 0 || differs(this.session, this.#base, this.#owner.saves.format);
  }

  /**
   * Saves the session as it is now. A save that is requested while another is under way begins after it. All saves
   * that are requested in the meantime share one write.
   */
  save(options: SaveOptions = {}): Promise<void> {
    // A waiting save takes all changes, and begins a moment after the running one has ended.
    if (this.#next) return this.#next;
    if (!this.#running) return this.#start(options);
    this.#next = settled(this.#running).then(() => {
      this.#next = undefined;
      return this.#start({});
    });
    return this.#next;
  }

  /** Moves the stored expiry to that of the session's cookie, or to that of the cookie that was just read. */
  async refresh(read?: Pick<StoredSession, "data" | "version">): Promise<void> {
    const data = read?.data ?? (this.session as unknown as SessionData);
    const version = read ? read.version : this.#base?.version;
    // A successful refresh does not prove that the session exists: some stores cannot tell.
    if (!(await this.#owner.store.refresh(this.session.id, data, version))) this.#foundGone();
  }

  /** Whether the store confirmed within the last `ms` milliseconds that the session exists. */
  wasSeenWithin(ms: number): boolean {
    return performance.now() - this.#seenAt <= ms;
  }

  /** Checks whether the session still exists. */
  async verify(): Promise<void> {
    const { store } = this.#owner;
    const [expiresAt] = await store.expiries([this.session.id]);
    if (expiresAt !== undefined) this.#seenAt = performance.now();
    else this.#foundGone((await store.wasReplaced(this.session.id)) ? "session_replaced" : "session_ended");
  }

  /** Reads the session as it is stored now. */
  async read(): Promise<StoredSession> {
    const insert = this.#unsureInsert;
    const stored = await (insert ? insert.find() : this.#owner.store.read(this.session.id));
    if (stored) return stored;
    if (this.#base || insert) this.#foundGone();
    throw sessionDeleted();
  }

  /** Reads the session again and takes over what others have saved. The record's own changes stay. */
  async update(): Promise<void> {
    for (;;) {
      // A save must not end during the read, and the read must not come between a write and its answer. Otherwise it
      // would read an older state than the save has left here, and the difference would look like a change.
      while (this.#running) await settled(this.#running);
      const base = this.#base;
      const stored = await this.read();
      this.#seenAt = performance.now();
      if (this.#running || this.#base !== base) continue;
      if (!base || stored.version === base.version) return;
      const found = baseOf(stored, (data) => this.#owner.userIdOf(data));
      this.#takeOver(base, stored.data, found);
      return;
    }
  }

  /**
   * Ends the session. From this call on nothing of it is saved. Resolves to whether the session was there, as far as
   * it had been stored and the store can tell. Somebody else may have ended it before.
   */
  async remove(reason: EndReason): Promise<boolean> {
    this.#ended = true;
    // A first save that is still under way would store the session after its removal.
    if (this.#running) await settled(this.#running);
    if (!this.#base && !this.#unsureInsert) return true;
    this.#owner.saves.forget(this.session.id);
    await this.#unsureInsert?.revoke();
    const wasThere = (await this.#owner.store.remove(this.session.id, reason)) !== false;
    if (this.#base?.userId !== undefined)
      await this.#owner.userChanged(this.session, this.#base.userId, undefined);
    return wasThere;
  }

  #start(options: SaveOptions): Promise<void> {
    this.failure = undefined;
    this.#running = this.#write(options)
      .catch((error) => {
        this.failure = error;
        throw error;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #write({ isModified: known, isLast = false }: SaveOptions): Promise<void> {
    if (this.#unsureInsert && !this.#ended) await this.#findInsert(this.#unsureInsert);
    if (this.#ended) throw sessionDeleted();
    const base = this.#base;
    this.#owner.willSave(this.session, base?.userId);
    const isModified = known ?? this.hasChanges();
    this.session.touch();
    const { format } = this.#owner.saves;
    const sent = format.snapshot(this.session as unknown as SessionData);
    const userId = this.#owner.userIdOf(sent.data);
    const { id } = this.session;
    const save = this.#owner.saves.save(id, { base, sent, userId, unsure: this.#unsure });
    const result = await save.result.catch((error) => {
      if (save.wasSent) this.#unsure = new Set([...this.#unsure, ...save.keys]);
      if (save.wasSent && !base) this.#unsureInsert = new UnsureInsert(id, save.request, this.#owner);
      throw error;
    });
    if (result.outcome === "deleted") {
      this.#foundGone();
      throw sessionDeleted();
    }
    if (result.outcome === "expired") {
      this.#ended = true;
      return;
    }
    this.#seenAt = performance.now();
    const { stored, merged, userIdBefore } = result;
    this.#unsure = NONE;
    this.wasSaved = true;
    this.wasModified ||= isModified;
    if (!merged) this.#base = stored;
    else if (isLast) {
      // Nobody reads the session any more, but its cookie is still to be sent. A later save merges, because nothing
      // else is stored as this version.
      this.#base = { json: sent.json, version: sent.json, userId: stored.userId };
      takeOverCookie(this.session, merged.cookie);
    } else {
      const parsed = JSON.parse(stored.json) as SessionData;
      this.#takeOver(sent, await format.copy(stored, parsed), stored);
    }
    if (stored.userId !== userIdBefore)
      await this.#owner.userChanged(this.session, userIdBefore, stored.userId);
  }

  /** Takes over what others have saved. What the app has changed since then is a change against the new base. */
  #takeOver({ json }: Pick<Base, "json">, theirs: SessionData, base: Base): void {
    takeOver(this.session, JSON.parse(json) as SessionData, theirs, {
      except: this.#unsure,
      format: this.#owner.saves.format,
    });
    this.#base = base;
  }

  async #findInsert(insert: UnsureInsert): Promise<void> {
    const stored = await insert.find();
    if (!stored) return this.#foundGone();
    // The stored session counts as having no user, because nobody was told of one. So the next save performs the
    // whole login of its user.
    const found = baseOf(stored, () => undefined);
    this.#takeOver(insert.sent, stored.data, found);
    this.#unsureInsert = undefined;
  }

  #foundGone(reason: EndReason = "session_ended"): void {
    this.#ended = true;
    this.#owner.store.endings.close(this.session.id, reason);
  }
}
