import { inBatches } from "../calls/in-batches.ts";
import { inTime } from "../calls/in-time.ts";
import type { ConnectionRecord } from "../connections/registry.ts";
import type { Clock } from "../time/clock.ts";
import type { Channels } from "./delivery/channels.ts";
import type { Groups } from "./groups/groups.ts";
import type { Presence } from "./presence/presence.ts";
import { isOfUser, type OfUser, type RealtimeConnection } from "./realtime-connection.ts";

/** Connections that are restored at a time. */
const MAX_RESTORING = 1000;

/** Milliseconds after which the groups of a connection are read again, whether or not anything was missed. */
const LOOKED_AT_EVERY_MS = 60_000;
/** Connections whose groups are read so with one tick, and connections among which they are looked for. */
const LOOKED_AT_A_TIME = 20;
const SCANNED_AT_A_TIME = 1_000;

/** Milliseconds that the sessions of a node that has lapsed are waited for. */
const REVALIDATED_WITHIN_MS = 10_000;

/** What is looked up again. */
export interface CatchUpParts {
  readonly connections: ReadonlyMap<string, RealtimeConnection>;
  readonly clock: Clock;
  readonly presence: Presence;
  readonly groups: Groups;
  readonly channels: Channels<RealtimeConnection>;
  readonly hub: CatchUpHub;
}

/** What the hub of the node does for it. */
interface CatchUpHub {
  /** Looks at all sessions anew, and resolves once that is done. */
  revalidate(): Promise<void>;
  /** Called when it has caught up with the sessions: what waited for that goes on. */
  goOn(): void;
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
  /** How often this node has lapsed. Sessions may have ended then that nobody waited for it to close. */
  #lapses = 0;
  /** After how many lapses it has looked at all its sessions. */
  #lookedAfter = 0;
  /** Where the next look without a sign goes on. */
  #turn: Iterator<RealtimeConnection> | undefined;
  /** Whose groups are to be read, and whether they are lost: to be registered before. */
  readonly #toRestore = new Map<OfUser, boolean>();
  readonly #restoring = new Set<OfUser>();
  /** Of which the backend did not answer: to be restored with the next tick. */
  readonly #failed = new Set<OfUser>();
  #isFailing = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  /** Something may have been missed; also what nobody waited for, if this node had lapsed. */
  begin(hasLapsed: boolean): void {
    this.#parts.presence.invalidate();
    this.#isBehind = true;
    if (hasLapsed) this.#lapses++;
    void this.run();
  }

  /** Whether somebody may have left something that this node does not know of. */
  get isBehind(): boolean {
    return this.#isBehind || this.#isRunning;
  }

  /** Whether connections may be there whose sessions have ended, and that are to do nothing more. */
  get isStale(): boolean {
    return this.#lookedAfter !== this.#lapses;
  }

  /** Called with each tick as well: until the backend has answered, the node is behind. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#isBehind) {
        this.#isBehind = false;
        if (this.isStale) await this.#revalidate();
        await this.#lookUp([...this.#parts.connections.values()].filter(isOfUser));
      }
    } catch (error) {
      this.#isBehind = true;
      this.#fail(error);
    }
    this.#isRunning = false;
    if (this.#isBehind) return;
    this.#parts.channels.deliverHeld();
    for (const connection of this.#failed) this.#toRestore.set(connection, true);
    this.#failed.clear();
    this.#lookAtSome();
    this.#restore();
  }

  /** In turns, at a pace: what was missed without a sign of it does not stay so. */
  #lookAtSome(): void {
    const now = this.#parts.clock.now();
    this.#turn ??= this.#parts.connections.values();
    for (
      let [scanned, looked] = [0, 0];
      scanned < SCANNED_AT_A_TIME && looked < LOOKED_AT_A_TIME;
      scanned++
    ) {
      const { done, value: connection } = this.#turn.next();
      if (done) {
        this.#turn = undefined;
        return;
      }
      connection.lookAt ||= connection.connectedAt + LOOKED_AT_EVERY_MS;
      if (!isOfUser(connection) || now < connection.lookAt) continue;
      connection.lookAt = now + LOOKED_AT_EVERY_MS;
      if (!this.#toRestore.has(connection)) this.#toRestore.set(connection, false);
      looked++;
    }
  }

  /** First of all: nothing is done any more for who has no session. A store that tells nothing of some holds up no others for long. */
  async #revalidate(): Promise<void> {
    const lapses = this.#lapses;
    await inTime(this.#parts.hub.revalidate(), REVALIDATED_WITHIN_MS).catch(this.#parts.hub.report);
    this.#lookedAfter = lapses;
    // Once more, if it has lapsed again meanwhile.
    if (!this.isStale) this.#parts.hub.goOn();
  }

  /** Has the groups of some read again with the next tick: this node was told that they have changed, and could not find out how. */
  lookUpLater(connections: Iterable<OfUser>, error: unknown): void {
    for (const connection of connections) if (!connection.isGone) this.#failed.add(connection);
    this.#fail(error);
  }

  /** The same for some whom the registry has lost, while the others go on. */
  async reconcile(records: readonly ConnectionRecord[]): Promise<void> {
    const { connections } = this.#parts;
    await this.#lookUp(records.flatMap(({ id }) => connections.get(id) ?? []).filter(isOfUser));
    this.#restore();
  }

  async #lookUp(connections: readonly OfUser[]): Promise<void> {
    if (connections.length === 0) return;
    // What is being restored may have read what was so before.
    this.#parts.groups.invalidate();
    const failures: [OfUser, unknown][] = [];
    await inBatches(connections, async (connection) => {
      try {
        // Once more: what was on its way while a line dropped has failed, and is no sign of anything.
        await this.#lookUpOne(connection).catch(() => this.#lookUpOne(connection));
        // Only now: the groups of one that is not registered may change without this node being told.
        this.#toRestore.set(connection, false);
      } catch (error) {
        failures.push([connection, error]);
      }
    });
    const [[, error] = []] = failures;
    if (failures.length === connections.length) throw error;
    // The backend answers, but not of these: they are in no group until it does, so that they hold up nobody else.
    for (const [connection] of failures) {
      this.#failed.add(connection);
      this.#parts.groups.forget(connection);
    }
    if (failures.length > 0) this.#fail(error);
    else this.#isFailing = false;
  }

  async #lookUpOne(connection: OfUser): Promise<void> {
    await this.#parts.presence.arriveAgain(connection.record);
    await this.#parts.groups.prune(connection);
  }

  /** Each by itself: the app may take its time over one. */
  #restore(): void {
    for (const [connection, isLost] of this.#toRestore) {
      if (this.#restoring.size >= MAX_RESTORING) return;
      // Once what is under way for it is done.
      if (this.#restoring.has(connection)) continue;
      this.#toRestore.delete(connection);
      void this.#restoreOne(connection, isLost);
    }
  }

  async #restoreOne(connection: OfUser, isLost: boolean): Promise<void> {
    this.#restoring.add(connection);
    try {
      if (isLost) await this.#parts.presence.arriveAgain(connection.record);
      await this.#parts.groups.restore(connection);
    } catch (error) {
      if (!connection.isGone) this.#failed.add(connection);
      this.#fail(error);
    }
    this.#restoring.delete(connection);
    // Nobody is left of whom the backend did not answer: what fails from now on is told again.
    if (this.#restoring.size + this.#toRestore.size + this.#failed.size === 0) this.#isFailing = false;
    this.#restore();
  }

  /** Once, not with each tick for as long as the backend is down. */
  #fail(error: unknown): void {
    if (!this.#isFailing) this.#parts.hub.report(error);
    this.#isFailing = true;
  }
}
