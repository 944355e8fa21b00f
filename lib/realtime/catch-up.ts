import type { Channels } from "./channels.ts";
import type { RealtimeConnection } from "./connection.ts";
import type { Groups } from "./groups.ts";
import type { Presence } from "./presence.ts";

/** A connection of a user. */
type OfUser = RealtimeConnection & { readonly userId: string };

/** What is looked up again. */
export interface CatchUpParts {
  readonly connections: ReadonlyMap<string, RealtimeConnection>;
  readonly presence: Presence;
  readonly groups: Groups;
  readonly channels: Channels<RealtimeConnection>;
  report(error: unknown): void;
}

/** Users whose groups are read anew at a time. */
const BATCH = 500;

/** Looks up what this node may have missed while it did not hear the others, or they did not hear of it. */
export class CatchUp {
  readonly #parts: CatchUpParts;
  #isBehind = false;
  #isRunning = false;
  #isFailing = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  /** Something may have been missed. */
  begin(): void {
    this.#parts.presence.doubt();
    this.#isBehind = true;
    void this.run();
  }

  /** Whether something may have been missed that was not looked up yet. */
  get isBehind(): boolean {
    return this.#isBehind || this.#isRunning;
  }

  /** Called with each tick as well: until the backend has answered, the node is behind. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#isBehind) {
        this.#isBehind = false;
        await this.#lookUp();
        this.#isFailing = false;
      }
    } catch (error) {
      this.#isBehind = true;
      if (!this.#isFailing) this.#parts.report(error);
      this.#isFailing = true;
    }
    this.#isRunning = false;
    if (!this.#isBehind) this.#parts.channels.deliverHeld();
  }

  /** Registers all connections anew, and reads their groups anew. */
  async #lookUp(): Promise<void> {
    const { presence, groups } = this.#parts;
    const connections = [...this.#parts.connections.values()].filter(isOfUser);
    await presence.arriveAgain(connections.flatMap(({ record }) => record ?? []));
    for (let from = 0; from < connections.length; from += BATCH) {
      const some = connections.slice(from, from + BATCH);
      await Promise.all(some.map((connection) => groups.restore(connection)));
    }
  }
}

function isOfUser(connection: RealtimeConnection): connection is OfUser {
  return connection.userId !== undefined;
}
