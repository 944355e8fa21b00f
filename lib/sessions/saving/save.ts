import type { SessionData } from "express-session";
import { timedOut } from "../../calls/in-time.ts";
import { after } from "../../time/after.ts";
import { changedKeys, mergeChanges } from "../data/merge.ts";
import { parsedOnce } from "../data/parsed-once.ts";
import type { Base, SessionSnapshot } from "../session-store.ts";

/** What came of a save. */
export type SaveResult =
  | { readonly outcome: "expired" }
  | { readonly outcome: "deleted" }
  | {
      readonly outcome: "written";
      /** The session as it is stored now. */
      readonly stored: Base;
      /** What is stored, if it holds more than the saver has sent: shared by all whose changes it holds, and only read. */
      readonly merged: SessionData | undefined;
      /** Whose session it was before this save. */
      readonly userIdBefore: string | undefined;
    };

/** What whoever saves knows. */
export interface SaveOptions {
  /** What `hasChanges` has just answered. */
  readonly isModified?: boolean;
  /** Whether nobody will read more than the cookie after it, so that the session need not show what others have saved. */
  readonly isLast?: boolean;
}

/** What a saver asks for. */
export interface SaveRequest {
  /** The session as the saver last knew it to be stored; `undefined` if it is new. */
  readonly base: Base | undefined;
  /** The session as the saver wants it. */
  readonly sent: SessionSnapshot;
  /** Whose session it is by that. */
  readonly userId: string | undefined;
  /** Keys that an earlier save may have written whose answer did not come: they count as changed. */
  readonly unsure: ReadonlySet<string>;
}

/** One save on its way to the store. It ends once: with what came of it, with a failure, or when its time is over. */
export class Save {
  readonly request: SaveRequest;
  readonly result: Promise<SaveResult>;
  /** Whether the store was asked to write it, so that it may be stored whatever is heard of it. */
  wasSent = false;
  /**
   * Whether it shares no write with others: one that begins a session, ends it or gives it another user is told of that,
   * and the index of users follows it step by step.
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

  /** Puts its changes over what others have stored, which is changed and returned. */
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

  /** Has to wait for others: no longer than its time. */
  wait(): void {
    this.#cancel ??= after(this.#timeoutMs, () => this.fail(timedOut(this.#timeoutMs)));
  }

  /** Ends it if its time is over. Whoever has come in between has made progress, so somebody always does; but nobody waits for ever. */
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
