import type { SessionData, Store } from "express-session";
import type { EndReason, SessionEndings } from "../../lib/sessions/session-endings.ts";
import type {
  Base,
  SessionSnapshot,
  SessionStore,
  StoredSession,
  WriteResult,
} from "../../lib/sessions/session-store.ts";

type Call = "read" | "write" | "refresh" | "remove";

interface Gate {
  call: Call;
  /** Held before the store does the work, or before its answer arrives. */
  where: "request" | "answer";
  arrive(): void;
  released: Promise<void>;
}

/** One call that the test holds. */
export interface Held {
  /** Resolves when the call is held. */
  readonly arrived: Promise<void>;
  /** Lets the call continue. Without it the call is never answered. */
  release(): void;
}

/** A real store behind a network that a test can stop at any point. */
export class HeldSessionStore implements SessionStore {
  readonly #store: SessionStore;
  readonly #gates: Gate[] = [];
  #writing = 0;
  /** How many writes were under way at the same time, at most. */
  mostWritesAtOnce = 0;
  /** How many writes were begun. */
  writes = 0;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  get expressStore(): Store {
    return this.#store.expressStore;
  }

  get endings(): SessionEndings {
    return this.#store.endings;
  }

  /** Holds the next call of this kind: before it reaches the store, or its answer. */
  hold(call: Call, where: Gate["where"]): Held {
    let arrive = () => {};
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#gates.push({ call, where, arrive, released });
    return { arrived, release };
  }

  read(sid: string): Promise<StoredSession | undefined> {
    return this.#pass("read", () => this.#store.read(sid));
  }

  async write(sid: string, next: SessionSnapshot, base: Base | undefined): Promise<WriteResult> {
    this.writes++;
    this.mostWritesAtOnce = Math.max(this.mostWritesAtOnce, ++this.#writing);
    try {
      return await this.#pass("write", () => this.#store.write(sid, next, base));
    } finally {
      this.#writing--;
    }
  }

  refresh(sid: string, data: SessionData): Promise<boolean> {
    return this.#pass("refresh", () => this.#store.refresh(sid, data));
  }

  remove(sid: string, reason?: EndReason): Promise<unknown> {
    return this.#pass("remove", () => this.#store.remove(sid, reason));
  }

  wasReplaced(sid: string): Promise<boolean> {
    return this.#store.wasReplaced(sid);
  }

  expiries(sids: readonly string[]): Promise<(number | undefined)[]> {
    return this.#store.expiries(sids);
  }

  lifeMs(data: SessionData): number {
    return this.#store.lifeMs(data);
  }

  walk(): AsyncIterable<[sid: string, data: SessionData]> {
    return this.#store.walk();
  }

  async #pass<T>(call: Call, ask: () => Promise<T>): Promise<T> {
    const index = this.#gates.findIndex((gate) => gate.call === call);
    const [gate] = index === -1 ? [] : this.#gates.splice(index, 1);
    if (gate?.where === "request") await held(gate);
    const answer = await ask();
    if (gate?.where === "answer") await held(gate);
    return answer;
  }
}

function held(gate: Gate): Promise<void> {
  gate.arrive();
  return gate.released;
}
