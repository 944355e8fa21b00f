import type { SessionData } from "express-session";
import { timedOut } from "../../calls/in-time.ts";
import { after } from "../../time/after.ts";
import { changedKeys, mergeChanges } from "../data/merge.ts";
import { parsedOnce } from "../data/parsed-once.ts";
import type { Base, SessionSnapshot } from "../session-store.ts";

/** The result of a save. */
export type SaveResult =
  | { readonly outcome: "expired" }
  | { readonly outcome: "deleted" }
  | {
      readonly outcome: "written";
      /** The session as it is stored now. */
      readonly stored: Base;
      /**
       * The stored session, if it holds more than the saver has sent. All savers whose changes it holds share this
       * object and only read it.
       */
      readonly merged: SessionData | undefined;
      /** The user whose session it was before this save. */
      readonly userIdBefore: string | undefined;
    };

/** What a caller knows about the save it asks for. */
export interface SaveOptions {
  /** The result of a `hasChanges` call just before. */
  readonly isModified?: boolean;
  /** Whether only the cookie is read after this save, so that the session need not show what others have saved. */
  readonly isLast?: boolean;
}

/** What one saver wants to have written. */
export interface SaveRequest {
  /** The session as the saver last knew it to be stored; `undefined` if it is new. */
  readonly base: Base | undefined;
  /** The session as the saver wants it. */
  readonly sent: SessionSnapshot;
  /** The user of the session in `sent`. */
  readonly userId: string | undefined;
  /** Keys that an earlier, unanswered save may have written. They count as changed. */
  readonly unsure: ReadonlySet<string>;
}

/**
 * One save on its way to the store. It ends exactly once: with a result, with a failure, or when its time is over.
 */
export class Save {
  readonly request: SaveRequest;
  readonly result: Promise<SaveResult>;
  /** Whether the store was asked to write it. It may then be stored even if no answer comes. */
  wasSent = false;
  /**
   * Whether this save must not share a write with others. That is so for a save that begins a session, ends it or
   * changes its user: its caller is told of that, and the index of users follows each such step.
   */
  isAlone: boolean;
  readonly #deadline: number;
  readonly #timeoutMs: number;
  #isOpen = true;
  #resolve!: (result: SaveResult) => void;
  #reject!: (error: unknown) => void;
  #cancel: (() => void) | undefined;

  constructor(request: SaveRequest, timeoutMs: number) {
    const { base, sent, userId, unsure } = request;
    this.request = request;
    this.isAlone =
      !base || unsure.size > 0 || userId !== base.userId || isOver(sent.data.cookie.expires, Date.now());
    this.#timeoutMs = timeoutMs;
    this.#deadline = performance.now() + timeoutMs;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether somebody still waits for it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Applies the changes of this save to what others have stored. Changes and returns `theirs`. */
  applyTo(theirs: SessionData | undefined): SessionData {
    const { base, sent, unsure } = this.request;
    const mine = JSON.parse(sent.json) as SessionData;
    return theirs ? mergeChanges(base && parsedOnce(base.json), mine, theirs, unsure) : mine;
  }

  /** The session as the saver wants it. */
  get sent(): SessionSnapshot {
    return this.request.sent;
  }

  /** The keys that it changes. */
  get keys(): string[] {
    const { base, sent, unsure } = this.request;
    const changed = changedKeys(base ? parsedOnce(base.json) : {}, JSON.parse(sent.json) as object);
    return [...changed, ...unsure];
  }

  /** Makes this save wait for others, at most until its time is over. */
  wait(): void {
    this.#cancel ??= after(this.#timeoutMs, () => this.fail(timedOut(this.#timeoutMs)));
  }

  /**
   * Fails the save if its time is over. Each round in which a save loses, another save has made progress. So somebody
   * always gets on, and nobody waits for ever.
   */
  failIfLate(why: unknown): void {
    if (performance.now() >= this.#deadline) this.fail(why);
  }

  succeed(result: SaveResult): void {
    this.#end();
    this.#resolve(result);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#isOpen = false;
    this.#cancel?.();
  }
}

function isOver(expires: Date | null | undefined, now: number): boolean {
  return expires instanceof Date && expires.getTime() <= now;
}
