import type { ConnectionRecord } from "../connections/registry.ts";
import { inBatches } from "../in-batches.ts";
import type { Channels } from "./channels.ts";
import type { RealtimeConnection } from "./connection.ts";
import type { Groups } from "./groups.ts";
import type { Presence } from "./presence.ts";

/** A connection of a user. */
type OfUser = RealtimeConnection & { readonly userId: string; readonly record: ConnectionRecord };

/** What is looked up again. */
export interface CatchUpParts {
  readonly connections: ReadonlyMap<string, RealtimeConnection>;
  readonly presence: Presence;
  readonly groups: Groups;
  readonly channels: Channels<RealtimeConnection>;
  report(error: unknown): void;
}

/**
 * Looks up what this node may have missed while it did not hear the others, or they did not hear of it.
 *
 * First who has left what: until that is known, nothing is delivered. Who has joined what comes after it, since the app
 * is asked of that (`authorizeGroup`), and one slow answer would hold up all.
 */
export class CatchUp {
  readonly #parts: CatchUpParts;
  #isBehind = false;
  #isRunning = false;
  readonly #toRestore = new Set<OfUser>();
  /** Of which the backend did not say that they are registered, and what they are in. */
  readonly #unknown = new Set<OfUser>();
  #isRestoring = false;
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

  /** Whether somebody may have left something that this node does not know of. */
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
        await this.#lookUp([...this.#parts.connections.values()].filter(isOfUser));
      }
    } catch (error) {
      this.#isBehind = true;
      this.#fail(error);
    }
    this.#isRunning = false;
    if (this.#isBehind) return;
    this.#parts.channels.deliverHeld();
    await this.#restore();
  }

  /** The same for some whom the registry has lost, while the others go on. */
  async lookUpAgain(records: readonly ConnectionRecord[]): Promise<void> {
    const { connections } = this.#parts;
    await this.#lookUp(records.flatMap(({ id }) => connections.get(id) ?? []).filter(isOfUser));
    void this.#restore();
  }

  async #lookUp(connections: readonly OfUser[]): Promise<void> {
    const failures: [OfUser, unknown][] = [];
    await inBatches(connections, async (connection) => {
      this.#toRestore.add(connection);
      try {
        await this.#parts.presence.arriveAgain([connection.record]);
        await this.#parts.groups.prune(connection);
      } catch (error) {
        failures.push([connection, error]);
      }
    });
    const [[, error] = []] = failures;
    if (failures.length > 0 && failures.length === connections.length) throw error;
    // The backend answers, but not of these: they are in no group until it does, so that they hold up nobody else.
    for (const [connection] of failures) {
      this.#unknown.add(connection);
      this.#parts.groups.forget(connection);
    }
    if (failures.length > 0) this.#fail(error);
    else this.#isFailing = false;
  }

  async #restore(): Promise<void> {
    if (this.#isRestoring) return;
    this.#isRestoring = true;
    try {
      while (this.#toRestore.size > 0) {
        const connections = [...this.#toRestore];
        this.#toRestore.clear();
        await inBatches(connections, (connection) => this.#restoreOne(connection));
        this.#isFailing = false;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isRestoring = false;
  }

  async #restoreOne(connection: OfUser): Promise<void> {
    try {
      if (this.#unknown.delete(connection)) await this.#parts.presence.arriveAgain([connection.record]);
      await this.#parts.groups.restore(connection);
    } catch (error) {
      if (!connection.isGone) {
        this.#toRestore.add(connection);
        this.#unknown.add(connection);
      }
      throw error;
    }
  }

  /** Once, not with each tick for as long as the backend is down. */
  #fail(error: unknown): void {
    if (!this.#isFailing) this.#parts.report(error);
    this.#isFailing = true;
  }
}

function isOfUser(connection: RealtimeConnection): connection is OfUser {
  return connection.userId !== undefined;
}
