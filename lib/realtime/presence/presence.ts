import createDebug from "debug";
import type { Bus } from "../../bus/bus.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { heardLate } from "../../calls/heard-late.ts";
import { chunks } from "../../calls/in-batches.ts";
import type { ConnectionIdentity } from "../../connections/connection-store.ts";
import {
  type Arrival,
  type ConnectionRecord,
  nodeOf,
  type RegisteredConnection,
  type Registry,
} from "../../connections/registry.ts";
import type { Clock } from "../../time/clock.ts";
import type { Events } from "../messages/events.ts";
import { Running } from "../messages/running.ts";
import { Departures } from "./departures.ts";

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

/** Connections of a dead node that are cleared at a time. */
const BATCH = 1000;

/** Milliseconds between two looks at the other nodes that are more than a tick: the backend stood still, or this node did. */
const LATE_LOOK_MS = 2000;

/** Arrivals of unknown outcome that are kept, and that are asked for with one tick; the others end with their lease, or are swept. */
const MAX_UNSURE = 10_000;
const UNSURE_AT_A_TIME = 100;

/** Users that are asked of in one round trip. */
const USERS_AT_A_TIME = 100;

/**
 * Keeps the registry in step with the connections of this node, and clears it of nodes that have died; tells who
 * comes online and goes offline. Each of that is told by one node, the one whose step it was.
 */
export class Presence {
  readonly #parts: PresenceParts;
  /** What may have arrived, though nobody was answered: to be taken out, by the connection's id. */
  readonly #unsure = new Map<string, { readonly record: ConnectionRecord; isAsked: boolean }>();
  readonly #departures: Departures;
  readonly #running = new Running();
  #lookedAt: number | undefined;
  /** From when on a node without a lease is taken for dead. */
  #trustsAt = 0;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#departures = new Departures(parts, this.#running);
  }

  /** Registers a connection whose handshake is not answered yet. One whose answer does not come is taken back. */
  async arrive(record: ConnectionRecord): Promise<Arrival> {
    const { lastingRegistry, bounds, expireAfterMs, maxConnectionsPerUser: maxPerUser } = this.#parts;
    try {
      return await bounds.call(() => lastingRegistry.arrive(record, { maxPerUser, expireAfterMs }));
    } catch (error) {
      if (this.#unsure.size < MAX_UNSURE) this.#unsure.set(record.id, { record, isAsked: false });
      this.#takeBack(record.id);
      throw error;
    }
  }

  /** Tells that the user has come online, if the arrival says so. */
  opened({ userId }: ConnectionRecord, arrival: Arrival): void {
    if (arrival === "first") void this.#parts.events.tell("online", userId);
  }

  /** Takes back an arrival whose handshake was refused: who has not opened has neither come nor gone. */
  giveUp(record: ConnectionRecord, arrival: Arrival): void {
    if (arrival === "first") this.#departures.begin(record, { graceMs: 0, wasTold: false });
    else this.depart(record);
  }

  /** Takes a connection out, for as long as it needs: if the registry does not answer, again with the next tick. */
  depart(record: ConnectionRecord, graceMs: number = this.#parts.graceMs): void {
    this.#departures.begin(record, { graceMs, wasTold: true });
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
    const { lastingRegistry, bounds, expireAfterMs } = this.#parts;
    const limits = { maxPerUser: Number.POSITIVE_INFINITY, expireAfterMs };
    // An answer that comes when nobody waits for it any more says what has come about all the same.
    arrived(await heardLate(bounds, () => lastingRegistry.arrive(record, limits), arrived));
  }

  /** Takes no node for dead until each has had the time to renew its lease: a backend that stood still, or has come back empty, may have forgotten all. */
  doubt(): void {
    this.#trustsAt = this.#parts.clock.now() + this.#parts.leaseMs;
  }

  /** Tries again what has failed, and does for nodes that have died what they cannot do any more. */
  async tick(): Promise<void> {
    this.#departures.tick();
    for (const id of [...this.#unsure.keys()].slice(0, UNSURE_AT_A_TIME)) this.#takeBack(id);
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
    const { upkeepBounds, upkeepRegistry, nodeId } = this.#parts;
    this.#departures.close();
    try {
      await upkeepBounds.call(() => this.#running.settled());
      // A node of which it finds nothing is no longer listed: else its id stays until another node looks.
      await upkeepRegistry.ofNode(nodeId, 1);
    } catch {
      // The other nodes find it dead, and clear it.
    }
  }

  /** Asks once more what has come of an arrival: only who knows whether it was the first can take it back. */
  #takeBack(id: string): void {
    const unsure = this.#unsure.get(id);
    if (!unsure || unsure.isAsked) return;
    unsure.isAsked = true;
    const { record } = unsure;
    const { upkeepRegistry, expireAfterMs } = this.#parts;
    const limits = { maxPerUser: Number.POSITIVE_INFINITY, expireAfterMs, isAgain: true };
    this.#running
      .track(async () => {
        const arrival = await upkeepRegistry.arrive(record, limits);
        if (this.#unsure.delete(id)) this.giveUp(record, arrival);
      })
      .catch(() => {
        // Again with a later tick, and behind the others.
        unsure.isAsked = false;
        if (this.#unsure.delete(id)) this.#unsure.set(id, unsure);
      });
  }

  async #clear(nodeId: string): Promise<void> {
    const records = await this.#parts.upkeepRegistry.ofNode(nodeId, BATCH);
    debug("node %s has died, with %d connections that are registered", nodeId, records.length);
    for (const record of records) {
      if (this.#departures.has(record.id)) continue;
      this.#running.track(() => this.#parts.clearData(record)).catch(() => {});
      this.depart(record, this.#parts.graceAfterDeathMs);
    }
  }

  async #liveNodes(bounds: Bounds = this.#parts.bounds): Promise<Set<string>> {
    return new Set(await bounds.call(() => this.#parts.bus.liveNodes()));
  }
}
