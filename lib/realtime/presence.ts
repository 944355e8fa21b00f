import createDebug from "debug";
import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { ConnectionIdentity } from "../connections/connection-store.ts";
import {
  type Arrival,
  type ConnectionRecord,
  nodeOf,
  type RegisteredConnection,
  type Registry,
} from "../connections/registry.ts";
import { chunks } from "../in-batches.ts";
import type { Bounds } from "../sessions/bounds.ts";
import { heardLate } from "../sessions/heard-late.ts";
import type { Events } from "./events.ts";

const debug = createDebug("express-session-stack:realtime");

/** What presence needs. */
export interface PresenceParts {
  /** Answers in time. */
  readonly registry: Registry;
  /** The same for what is done with each tick, which waits behind nothing that is asked for. */
  readonly upkeepRegistry: Registry;
  /** The same, and answers whenever it can: for what must not get lost when nobody waits for it any more. */
  readonly lastingRegistry: Registry;
  readonly bus: Bus;
  readonly bounds: Bounds;
  readonly upkeepBounds: Bounds;
  readonly clock: Clock;
  readonly events: Events;
  readonly nodeId: string;
  readonly leaseMs: number;
  readonly maxConnectionsPerUser: number;
  /** Milliseconds after which a connection of a user that was not heard is swept when another one is made. */
  readonly expireAfterMs: number;
  /** Milliseconds that a user without connections stays online; and that one does whose node has died, which was missed for a lease already. */
  readonly graceMs: number;
  readonly graceAfterDeathMs: number;
  /** Whether this node holds the connection. */
  isOpen(id: string): boolean;
  /** Called for a connection whose node has died. */
  clearData(connection: ConnectionIdentity): Promise<void>;
}

/** A connection on its way out. */
interface Departing {
  readonly record: ConnectionRecord;
  readonly graceMs: number;
  /** Whether the registry did not answer. */
  isStuck: boolean;
}

/** Connections of a dead node that are cleared at a time. */
const BATCH = 1000;

/** Milliseconds between two looks at the other nodes that are more than a tick: the backend stood still, or this node did. */
const LATE_LOOK_MS = 2000;

/** How exactly the end of `graceMs` is kept. */
const ASK_AGAIN_EVERY_MS = 50;

/** Users that are asked of in one round trip. */
const USERS_AT_A_TIME = 100;

/**
 * Keeps the registry in step with the connections of this node, and clears it of nodes that have died; tells who
 * comes online and goes offline. Each of that is told by one node, the one whose step it was.
 */
export class Presence {
  readonly #parts: PresenceParts;
  /** What is on its way out, by the connection's id: until it is done, and however often it must be tried. */
  readonly #departing = new Map<string, Departing>();
  readonly #running = new Set<Promise<void>>();
  /** Whose time as leaving ends, by when it does. */
  readonly #due = new Map<number, Departing[]>();
  #isClosed = false;
  #lookedAt: number | undefined;
  /** From when on a node without a lease is taken for dead. */
  #trustsAt = 0;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  /** Registers a connection whose handshake is not answered yet. */
  arrive(record: ConnectionRecord): Promise<Arrival> {
    return this.#arrive(record, this.#parts.maxConnectionsPerUser, (arrival) => {
      if (arrival) this.giveUp(record, arrival);
      else this.depart(record);
    });
  }

  /** Tells that the user has come online, if the arrival says so. */
  opened({ userId }: ConnectionRecord, arrival: Arrival): void {
    if (arrival === "first") void this.#parts.events.tell("online", userId);
  }

  /** Takes back an arrival whose handshake was refused: who has not opened has neither come nor gone. */
  giveUp(record: ConnectionRecord, arrival: Arrival): void {
    if (arrival !== "first") {
      this.depart(record);
      return;
    }
    this.#track(async () => {
      const { state } = await this.#parts.lastingRegistry.depart(record, 0);
      // Others have come meanwhile, and were told that they are not the first.
      if (state === "present") void this.#parts.events.tell("online", record.userId);
      await this.#parts.lastingRegistry.forget(nodeOf(record.id), [record.id]);
    }).catch(() => this.depart(record));
  }

  /** Takes a connection out, for as long as it needs: if the registry does not answer, again with the next tick. */
  depart(record: ConnectionRecord, graceMs: number = this.#parts.graceMs): void {
    const departing: Departing = { record, graceMs, isStuck: false };
    this.#departing.set(record.id, departing);
    this.#track(() => this.#step(departing)).catch(() => {
      departing.isStuck = true;
    });
  }

  /** Registers a connection that the registry may have lost, or that others may have cleared. */
  async arriveAgain(record: ConnectionRecord): Promise<void> {
    const { isOpen } = this.#parts;
    if (!isOpen(record.id)) return;
    const arrived = (arrival: Arrival | undefined) => {
      if (arrival) this.opened(record, arrival);
      // Gone meanwhile, and maybe taken out before it was put in.
      if (!isOpen(record.id)) this.depart(record);
    };
    arrived(await this.#arrive(record, Number.POSITIVE_INFINITY, arrived));
  }

  /** Takes no node for dead until each has had the time to renew its lease: a backend that stood still, or has come back empty, may have forgotten all. */
  doubt(): void {
    this.#trustsAt = this.#parts.clock.now() + this.#parts.leaseMs;
  }

  /** Tries again what has failed, and does for nodes that have died what they cannot do any more. */
  async tick(): Promise<void> {
    for (const { isStuck, record, graceMs } of this.#departing.values())
      if (isStuck) this.depart(record, graceMs);
    const { upkeepRegistry, upkeepBounds, nodeId, clock } = this.#parts;
    const [nodes, live] = await Promise.all([upkeepRegistry.nodes(), this.#liveNodes(upkeepBounds)]);
    const now = clock.now();
    if (now - (this.#lookedAt ?? now) > LATE_LOOK_MS) this.doubt();
    this.#lookedAt = now;
    if (now < this.#trustsAt) return;
    for (const other of nodes) if (other !== nodeId && !live.has(other)) await this.#clear(other);
  }

  /** The connections of a user on nodes that live. */
  async ofUser(userId: string): Promise<RegisteredConnection[]> {
    const [found, live] = await Promise.all([this.#parts.registry.ofUser(userId), this.#liveNodes()]);
    return found.filter(({ id }) => live.has(nodeOf(id))).sort((a, b) => a.connectedAt - b.connectedAt);
  }

  /** Those of the users who are online: from the moment for which `online` is told to that for which `offline` is. */
  async online(userIds: readonly string[]): Promise<string[]> {
    const { registry, bounds } = this.#parts;
    const online = new Set<string>();
    await bounds.lane.each([...chunks(userIds, USERS_AT_A_TIME)], async (some) => {
      const found = await registry.online(some);
      for (const [at, userId] of some.entries()) if (found[at]) online.add(userId);
    });
    return userIds.filter((userId) => online.has(userId));
  }

  /** Resolves once all that has gone is taken out, as far as the backend answers. Who is still leaving then is left to the other nodes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#parts.upkeepBounds.call(() => Promise.allSettled(this.#running)).catch(() => {});
  }

  /** An answer that comes when nobody waits for it any more says what has come about all the same; it may also never come. */
  #arrive(
    record: ConnectionRecord,
    maxPerUser: number,
    onLate: (arrival: Arrival | undefined) => void,
  ): Promise<Arrival> {
    const { lastingRegistry, bounds, expireAfterMs } = this.#parts;
    const arrive = () => lastingRegistry.arrive(record, { maxPerUser, expireAfterMs });
    return heardLate(bounds, arrive, onLate);
  }

  async #step(departing: Departing): Promise<void> {
    const { lastingRegistry, upkeepBounds } = this.#parts;
    const { record, graceMs } = departing;
    const depart = () => lastingRegistry.depart(record, graceMs);
    // What comes when it is tried again already says all the same that the user has gone by this step.
    const departure = await heardLate(upkeepBounds, depart, (late) => this.#tellOffline(late?.state, record));
    if (departure.state === "leaving") {
      if (!this.#isClosed) this.#askAgain(departing, departure.forMs);
      return;
    }
    this.#tellOffline(departure.state, record);
    // Last: until here, whoever finds this node dead finds the connection.
    await upkeepBounds.call(() => lastingRegistry.forget(nodeOf(record.id), [record.id]));
    if (this.#departing.get(record.id) === departing) this.#departing.delete(record.id);
  }

  #tellOffline(state: string | undefined, { userId }: ConnectionRecord): void {
    if (state === "offline") void this.#parts.events.tell("offline", userId);
  }

  /** With all who are due at about the same time: what they ask then leaves as one write. */
  #askAgain(departing: Departing, afterMs: number): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const at = Math.ceil((now + afterMs) / ASK_AGAIN_EVERY_MS) * ASK_AGAIN_EVERY_MS;
    const due = this.#due.get(at);
    if (due) {
      due.push(departing);
      return;
    }
    const all = [departing];
    this.#due.set(at, all);
    clock.after(at - now, () => {
      this.#due.delete(at);
      for (const { record, graceMs } of all) this.depart(record, graceMs);
    });
  }

  async #clear(nodeId: string): Promise<void> {
    const records = await this.#parts.upkeepRegistry.ofNode(nodeId, BATCH);
    debug("node %s has died, with %d connections that are registered", nodeId, records.length);
    for (const record of records) {
      if (this.#departing.has(record.id)) continue;
      this.#track(() => this.#parts.clearData(record)).catch(() => {});
      this.depart(record, this.#parts.graceAfterDeathMs);
    }
  }

  async #liveNodes(bounds: Bounds = this.#parts.bounds): Promise<Set<string>> {
    return new Set(await bounds.call(() => this.#parts.bus.liveNodes()));
  }

  #track(step: () => Promise<void>): Promise<void> {
    const running = step().finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }
}
