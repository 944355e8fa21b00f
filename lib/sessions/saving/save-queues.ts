import type { SessionData } from "express-session";
import { SessionFormat } from "../data/session-format.ts";
import type { Base, SessionStore } from "../session-store.ts";
import { RecentSessions } from "./recent-sessions.ts";
import { Save, type SaveRequest } from "./save.ts";
import { SaveQueue } from "./save-queue.ts";

/** The parts of the session middleware that its saves need. */
export interface SaveQueuesOptions {
  readonly store: SessionStore;
  /** Milliseconds that a save may take with all its waiting and merging. */
  readonly timeoutMs: number;
  /** Returns the id of the session's user. */
  readonly userIdOf: (data: SessionData) => string | undefined;
}

/** All saves of this node. Each session has a queue of its own, which exists only while something is saved. */
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

  /**
   * Queues a save. It begins once all saves of the same moment are known and no other save of the session is under
   * way.
   */
  save(sid: string, request: SaveRequest): Save {
    const save = new Save(request, this.#options.timeoutMs);
    const queue = this.#queues.get(sid) ?? this.#begin(sid);
    queue.add(save);
    return save;
  }

  /** Takes note of a session that a read has found. */
  saw(sid: string, base: Base): void {
    this.#recent.refresh(sid, base);
  }

  /** Drops what is remembered of a session that has ended. */
  forget(sid: string): void {
    this.#recent.delete(sid);
  }

  #begin(sid: string): SaveQueue {
    const { store, userIdOf } = this.#options;
    const queue = new SaveQueue(sid, { store, userIdOf, recent: this.#recent, format: this.format });
    this.#queues.set(sid, queue);
    // Requests that are read together end together, and so share the first write.
    process.nextTick(() => {
      // The queue is deleted in the same turn in which it finds nothing waiting. A save that came in between would
      // wait for ever.
      void queue.run(() => this.#queues.delete(sid));
    });
    return queue;
  }
}
