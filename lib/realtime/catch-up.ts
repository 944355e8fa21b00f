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

/** Milliseconds after which the groups of a connection are read again, even if nothing was missed. */
const LOOKED_AT_EVERY_MS = 60_000;
/** Connections whose groups one tick reads again in this way. */
const LOOKED_AT_A_TIME = 20;
/** Connections that one tick searches for them. */
const SCANNED_AT_A_TIME = 1_000;

/** Milliseconds that a node that has lapsed waits for the look at its sessions. */
const REVALIDATED_WITHIN_MS = 10_000;

/** The parts that catching up needs. */
export interface CatchUpParts {
  readonly connections: ReadonlyMap<string, RealtimeConnection>;
  readonly clock: Clock;
  readonly presence: Presence;
  readonly groups: Groups;
  readonly channels: Channels<RealtimeConnection>;
  readonly hub: CatchUpHub;
}

/** The hub of the node, as catching up needs it. */
interface CatchUpHub {
  /** Looks at all sessions anew, and resolves once that is done. */
  revalidate(): Promise<void>;
  /** Called when the node has looked at all sessions. Work that waited for that goes on. */
  goOn(): void;
  report(error: unknown): void;
}

/**
 * Looks up what this node may have missed while it did not hear the other nodes, or while they did not hear of it.
 *
 * First it finds out which users have left which groups. Until it knows, nothing is delivered. Then it finds out which
 * users have joined which groups. This comes second because it asks the app (`authorizeGroup`): one slow answer would
 * hold up all deliveries.
 */
export class CatchUp {
  readonly #parts: CatchUpParts;
  #isBehind = false;
  #isRunning = false;
  /** How often this node has lapsed. Sessions may have ended then, and nobody waited for this node to close them. */
  #lapses = 0;
  /** The number of lapses at the start of its last look at all its sessions. */
  #lookedAfter = 0;
  /** The place where the next look at some connections goes on. */
  #turn: Iterator<RealtimeConnection> | undefined;
  /** Connections whose groups are to be read. For `true`, the connection is registered again first. */
  readonly #toRestore = new Map<OfUser, boolean>();
  readonly #restoring = new Set<OfUser>();
  /** Connections for which the backend did not answer. The next tick restores them. */
  readonly #failed = new Set<OfUser>();
  #isFailing = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  /**
   * Begins to catch up: this node may have missed something. If it had lapsed, sessions may also have ended while
   * no other node waited for this one.
   */
  begin(hasLapsed: boolean): void {
    this.#parts.presence.invalidate();
    this.#isBehind = true;
    if (hasLapsed) this.#lapses++;
    void this.run();
  }

  /** Whether a user may have left a group without this node knowing it yet. */
  get isBehind(): boolean {
    return this.#isBehind || this.#isRunning;
  }

  /** Whether there may be connections whose sessions have ended. Such connections may do nothing more. */
  get isStale(): boolean {
    return this.#lookedAfter !== this.#lapses;
  }

  /** Catches up. Each tick calls this as well: until the backend has answered, the node is behind. */
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

  /** Has the groups of a few connections read again, in turn. So a change missed without a sign is found later. */
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

  /**
   * Looks at all sessions, before anything else: a connection whose session has ended gets nothing more. A store that
   * does not answer for some sessions does not hold up the others for long.
   */
  async #revalidate(): Promise<void> {
    const lapses = this.#lapses;
    await inTime(this.#parts.hub.revalidate(), REVALIDATED_WITHIN_MS).catch(this.#parts.hub.report);
    this.#lookedAfter = lapses;
    // If the node has lapsed again meanwhile, the next pass looks once more.
    if (!this.isStale) this.#parts.hub.goOn();
  }

  /**
   * Has the groups of some connections read again with the next tick. This node was told that the groups have changed,
   * but could not find out how.
   */
  lookUpLater(connections: Iterable<OfUser>, error: unknown): void {
    for (const connection of connections) if (!connection.isGone) this.#failed.add(connection);
    this.#fail(error);
  }

  /** Looks up connections that the registry has lost. The other connections go on meanwhile. */
  async reconcile(records: readonly ConnectionRecord[]): Promise<void> {
    const { connections } = this.#parts;
    await this.#lookUp(records.flatMap(({ id }) => connections.get(id) ?? []).filter(isOfUser));
    this.#restore();
  }

  async #lookUp(connections: readonly OfUser[]): Promise<void> {
    if (connections.length === 0) return;
    // A restore that is under way may have read an older state.
    this.#parts.groups.invalidate();
    const failures: [OfUser, unknown][] = [];
    await inBatches(connections, async (connection) => {
      try {
        // It tries twice: a call that was on its way when a line dropped has failed, which proves nothing.
        await this.#lookUpOne(connection).catch(() => this.#lookUpOne(connection));
        // This comes only now: nobody tells this node of group changes of a connection that is not registered.
        this.#toRestore.set(connection, false);
      } catch (error) {
        failures.push([connection, error]);
      }
    });
    const [[, error] = []] = failures;
    if (failures.length === connections.length) throw error;
    // The backend answers, but not for these connections. They are in no group until it does, so that others go on.
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

  /** Restores each connection by itself: the app may take a long time for one of them. */
  #restore(): void {
    for (const [connection, isLost] of this.#toRestore) {
      if (this.#restoring.size >= MAX_RESTORING) return;
      // The connection is restored again once its current restore is done.
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
    // No connection is left for which the backend did not answer. So the next failure is reported again.
    if (this.#restoring.size + this.#toRestore.size + this.#failed.size === 0) this.#isFailing = false;
    this.#restore();
  }

  /** Reports a failure once, not with each tick for as long as the backend is down. */
  #fail(error: unknown): void {
    if (!this.#isFailing) this.#parts.hub.report(error);
    this.#isFailing = true;
  }
}
