import type { SessionData } from "express-session";
import { SessionFormat } from "../data/session-format.ts";
import type { Base, SessionStore } from "../session-store.ts";
import { RecentSessions } from "./recent-sessions.ts";
import { Save, type SaveRequest } from "./save.ts";
import { SaveQueue } from "./save-queue.ts";

/** What saves need of the session middleware that they belong to. */
export interface SaveQueuesOptions {
  readonly store: SessionStore;
  /** Milliseconds that a save may take with all its waiting and merging. */
  readonly timeoutMs: number;
  /** Whose session this is. */
  readonly userIdOf: (data: SessionData) => string | undefined;
}

/** All saves of this node, each session's in a queue of its own, which is there only while something is saved. */
export class SaveQueues {
  readonly #options: SaveQueuesOptions;
  readonly #queues = new Map<string, SaveQueue>();
  readonly #recent = new RecentSessions();
  /** How the store writes sessions. */
  readonly format: SessionFormat;

  constructor(options: SaveQueuesOptions) {
    this.#options = options;
    this.format = new SessionFormat(options.store);
  }

  /** Begins a save as soon as all are known that are asked for in the same moment, and no other one of the session is under way. */
  save(sid: string, request: SaveRequest): Save {
    const save = new Save(request, this.#options.timeoutMs);
    const queue = this.#queues.get(sid) ?? this.#begin(sid);
    queue.add(save);
    return save;
  }

  /** A read has found this stored. */
  saw(sid: string, base: Base): void {
    this.#recent.refresh(sid, base);
  }

  /** The session has ended: nothing of it is kept here. */
  forget(sid: string): void {
    this.#recent.delete(sid);
  }

  #begin(sid: string): SaveQueue {
    const { store, userIdOf } = this.#options;
    const queue = new SaveQueue(sid, { store, userIdOf, recent: this.#recent, format: this.format });
    this.#queues.set(sid, queue);
    // Requests that were read together end together, and share the first write then.
    process.nextTick(() => {
      // In the same turn in which it finds nothing waiting: a save that came between would wait for ever.
      void queue.run(() => this.#queues.delete(sid));
    });
    return queue;
  }
}
