import type { SessionData } from "express-session";
import { unavailable } from "../../calls/in-time.ts";
import { hasNotBegun } from "../../calls/turns.ts";
import { codeOf } from "../../errors.ts";
import type { SessionFormat } from "../data/session-format.ts";
import {
  type Base,
  baseOf,
  type SessionSnapshot,
  type SessionStore,
  type StoredSession,
} from "../session-store.ts";
import type { RecentSessions } from "./recent-sessions.ts";
import type { Save, SaveResult } from "./save.ts";

/** The parts of the session middleware that a queue needs. */
export interface SaveQueueParts {
  readonly store: SessionStore;
  readonly recent: RecentSessions;
  readonly format: SessionFormat;
  readonly userIdOf: (data: SessionData) => string | undefined;
}

/** The request to the store for one write. */
interface Write {
  readonly saves: readonly Save[];
  readonly current: Base | undefined;
  readonly next: SessionSnapshot;
  readonly userId: string | undefined;
}

/**
 * The saves of one session on this node, one write after the other. Saves that arrive while a write is under way
 * share the next write.
 *
 * So this node has at most one write of a session under way, however many requests save it, and only another node can
 * interfere. A write starts from what this node knows to be stored, not from what each saver had loaded.
 */
export class SaveQueue {
  readonly #sid: string;
  readonly #parts: SaveQueueParts;
  #waiting: Save[] = [];
  #isRunning = false;

  constructor(sid: string, parts: SaveQueueParts) {
    this.#sid = sid;
    this.#parts = parts;
  }

  /** Adds a save, which may have to wait for the write that is under way. */
  add(save: Save): void {
    if (this.#isRunning) save.wait();
    this.#waiting.push(save);
  }

  /** Writes all waiting saves and calls `onEmpty` when none is left. Never rejects. */
  async run(onEmpty: () => void): Promise<void> {
    this.#isRunning = true;
    let saves = this.#take();
    // Saves of the same moment that do not share the first write wait from now on.
    for (const save of this.#waiting) save.wait();
    for (; saves.length > 0; saves = this.#take()) await this.#write(saves);
    onEmpty();
  }

  /** Takes the next saves that can share one write, in the order in which they came. */
  #take(): Save[] {
    this.#waiting = this.#waiting.filter(({ isOpen }) => isOpen);
    const [first] = this.#waiting;
    const alone = this.#waiting.findIndex(({ isAlone }, at) => at > 0 && isAlone);
    if (first?.isAlone) return this.#waiting.splice(0, 1);
    return this.#waiting.splice(0, alone < 0 ? this.#waiting.length : alone);
  }

  async #write(saves: readonly Save[]): Promise<void> {
    const { store, recent } = this.#parts;
    const sentBefore = saves.filter(({ wasSent }) => wasSent);
    try {
      const merged = this.#merge(saves);
      const write = merged instanceof Promise ? await merged : merged;
      for (const save of saves) save.wasSent = true;
      const result = await store.write(this.#sid, write.next, write.current);
      if (result.outcome === "written") this.#written(write, result.version);
      else if (result.outcome === "changed") this.#changed(saves, result.current);
      else this.#gone(saves, result);
    } catch (error) {
      // Nobody knows what is stored now.
      recent.delete(this.#sid);
      if (hasNotBegun(error)) for (const save of saves) save.wasSent = sentBefore.includes(save);
      this.#failed(saves, error);
    }
  }

  #merge(saves: readonly Save[]): Write | Promise<Write> {
    const [first] = saves as [Save];
    const { base, sent, userId } = first.request;
    const current = this.#parts.recent.get(this.#sid) ?? base;
    const isCurrent = current?.version === base?.version;
    if (isCurrent && saves.length === 1) return { saves, current, next: sent, userId };
    let data = isCurrent || !current ? undefined : (JSON.parse(current.json) as SessionData);
    for (const save of saves) data = save.applyTo(data);
    const { format, userIdOf } = this.#parts;
    const next = format.merged(data as SessionData, isCurrent ? undefined : current, saves);
    const write = (next: SessionSnapshot) => ({ saves, current, next, userId: userIdOf(next.data) });
    return next instanceof Promise ? next.then(write) : write(next);
  }

  #written({ saves, current, next, userId }: Write, version: string): void {
    const stored: Base = { json: next.json, version, userId, ageMs: next.data.cookie.originalMaxAge };
    this.#parts.recent.set(this.#sid, stored);
    for (const [at, save] of saves.entries()) {
      const { sent, base, unsure } = save.request;
      const isLast = at === saves.length - 1;
      // An unanswered write may have stored the user already, and nobody was told.
      const before = unsure.size > 0 ? base?.userId : current?.userId;
      const result: SaveResult = {
        outcome: "written",
        stored,
        merged: next === sent ? undefined : next.data,
        // Several saves change the user only by their combined result, so one of them is told.
        userIdBefore: isLast ? before : userId,
      };
      save.succeed(result);
    }
  }

  #changed(saves: readonly Save[], current: StoredSession): void {
    this.#parts.recent.set(this.#sid, baseOf(current, this.#parts.userIdOf));
    this.#retry(saves, unavailable("was too busy with this session"));
  }

  #gone(saves: readonly Save[], result: SaveResult): void {
    this.#parts.recent.delete(this.#sid);
    for (const save of saves) save.succeed(result);
  }

  #failed(saves: readonly Save[], error: unknown): void {
    if (saves.length === 1 || isTimeout(error)) {
      for (const save of saves) save.fail(error);
      return;
    }
    // One of the saves may contain something that the store cannot take. So each save is tried alone before it fails.
    for (const save of saves) save.isAlone = true;
    this.#retry(saves, error);
  }

  /** Puts saves back at the head of the queue. A save whose time is over fails with the given reason. */
  #retry(saves: readonly Save[], why: unknown): void {
    for (const save of saves) save.failIfLate(why);
    this.#waiting.unshift(...saves);
  }
}

function isTimeout(error: unknown): boolean {
  return codeOf(error) !== undefined && (error as Error).cause === undefined;
}
