import createDebug from "debug";
import type { Bus } from "../../bus/bus.ts";
import type { Node } from "../../bus/node/node.ts";
import type { Bounds } from "../../calls/bounds.ts";
import { heardLate } from "../../calls/heard-late.ts";
import { chunks } from "../../calls/in-batches.ts";
import { Running } from "../../calls/running.ts";
import type { ConnectionIdentity } from "../../connections/connection-store.ts";
import {
  type Arrival,
  type ConnectionRecord,
  nodeOf,
  type RegisteredConnection,
} from "../../connections/registry.ts";
import type { Events } from "../messages/events.ts";
import type { RealtimeConfig } from "../realtime-options.ts";
import { betweenWritesMs, TICK_MS } from "../times.ts";
import { Departures } from "./departures.ts";
import type { Registries } from "./registries.ts";

const debug = createDebug("express-session-stack:realtime");

/** What presence needs. */
export interface PresenceParts {
  readonly config: RealtimeConfig;
  readonly registries: Registries;
  readonly bus: Bus;
  readonly node: Pick<Node, "id" | "leaseMs">;
  readonly events: Events;
  readonly holder: ConnectionHolder;
}

/** Holds the connections of this node. */
interface ConnectionHolder {
  /** Whether it holds a connection. */
  isOpen(id: string): boolean;
  /** Called for a connection whose node has died. */
  clearData(connection: ConnectionIdentity): void;
}

/** Connections of a dead node that are cleared at a time. */
const BATCH = 1000;

/** Milliseconds between two looks at the other nodes from which on the backend, or this node, must have stood still. */
const LATE_LOOK_MS = 2000;

/** Arrivals of unknown outcome that are kept, and that are asked for with one tick; the others end with their lease, or are swept. */
const MAX_UNSURE = 10_000;
const UNSURE_AT_A_TIME = 100;

/** Users that are asked of in one round trip. */
const USERS_AT_A_TIME = 100;

/**
 * Keeps the registry in step with the connections of this node, and clears the connections of dead nodes. Tells which users
 * come online and go offline. One node tells each of these: the node whose step it was.
 */
export class Presence {
  readonly #parts: PresenceParts;
  /** Arrivals of unknown outcome, by the connection's id. They are taken out again. */
  readonly #unsure = new Map<string, { readonly record: ConnectionRecord; isAsked: boolean }>();
  readonly #departures: Departures;
  readonly #running = new Running();
  /** Milliseconds that a user without connections stays online. Backends count whole ones. */
  readonly #graceMs: number;
  /** Milliseconds after which a connection that was not heard is swept when its user makes another one. */
  readonly #expireAfterMs: number;
  #lookedAt: number | undefined;
  /** The time from which on a node without a lease counts as dead. */
  #trustsAt = 0;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    const { config, registries, events } = parts;
    this.#graceMs = Math.ceil(config.graceMs);
    // Activity is written at intervals, up to a tick late, and a tick may wait for the one before it.
    this.#expireAfterMs = config.inactivityThresholdSeconds * 1000 + betweenWritesMs(config) + 2 * TICK_MS;
    this.#departures = new Departures(
      {
        registry: registries.asked,
        lastingRegistry: registries.lasting,
        upkeepBounds: registries.upkeepBounds,
        clock: config.clock,
        events,
      },
      this.#running,
    );
  }

  /** Registers a connection before its handshake is answered. An arrival without an answer is taken back. */
  async arrive(record: ConnectionRecord): Promise<Arrival> {
    const { registries, config } = this.#parts;
    const limits = { maxPerUser: config.maxConnectionsPerUser, expireAfterMs: this.#expireAfterMs };
    try {
      return await registries.bounds.call(() => registries.lasting.arrive(record, limits));
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

  /** Takes back an arrival whose handshake was refused. Neither `online` nor `offline` is told for it. */
  giveUp(record: ConnectionRecord, arrival: Arrival): void {
    if (arrival === "first") this.#departures.begin(record, { graceMs: 0, wasTold: false });
    else this.depart(record);
  }

  /** Takes a connection out of the registry. If the registry does not answer, the next tick tries again. */
  depart(record: ConnectionRecord, graceMs: number = this.#graceMs): void {
    this.#departures.begin(record, { graceMs, wasTold: true });
  }

  /** Registers a connection that the registry may have lost, or that others may have cleared. */
  async arriveAgain(record: ConnectionRecord): Promise<void> {
    const { holder, registries } = this.#parts;
    if (!holder.isOpen(record.id)) return;
    const arrived = (arrival: Arrival | undefined) => {
      if (arrival) this.opened(record, arrival);
      // The connection has gone meanwhile, and may have been taken out before it was put in.
      if (!holder.isOpen(record.id)) this.depart(record);
    };
    const limits = { maxPerUser: Number.POSITIVE_INFINITY, expireAfterMs: this.#expireAfterMs };
    // A late answer, for which nobody waits any more, still tells the outcome.
    const arrive = () => registries.lasting.arrive(record, limits);
    arrived(await heardLate(registries.bounds, arrive, arrived));
  }

  /** Counts no node as dead until each could renew its lease. A backend that stood still or was emptied may have lost all leases. */
  invalidate(): void {
    const { config, node } = this.#parts;
    this.#trustsAt = config.clock.now() + node.leaseMs;
  }

  /** Repeats what has failed, and takes out the connections of nodes that have died. */
  async tick(): Promise<void> {
    this.#departures.tick();
    for (const id of [...this.#unsure.keys()].slice(0, UNSURE_AT_A_TIME)) this.#takeBack(id);
    const { registries, node, config } = this.#parts;
    const [nodes, live] = await Promise.all([
      registries.upkeep.nodes(),
      this.#liveNodes(registries.upkeepBounds),
    ]);
    const now = config.clock.now();
    if (now - (this.#lookedAt ?? now) > LATE_LOOK_MS) this.invalidate();
    this.#lookedAt = now;
    if (now < this.#trustsAt) return;
    for (const other of nodes) if (other !== node.id && !live.has(other)) await this.#clear(other);
  }

  /** The connections of a user on nodes that live. */
  async ofUser(userId: string): Promise<RegisteredConnection[]> {
    const [found, live] = await Promise.all([this.#parts.registries.asked.ofUser(userId), this.#liveNodes()]);
    return found.filter(({ id }) => live.has(nodeOf(id))).sort((a, b) => a.connectedAt - b.connectedAt);
  }

  /** Filters the users who are online: after `online` was told for them and before `offline` is. */
  async online(userIds: readonly string[]): Promise<string[]> {
    const { asked, bounds } = this.#parts.registries;
    const online = new Set<string>();
    await bounds.lane.each([...chunks(userIds, USERS_AT_A_TIME)], async (some) => {
      const found = await asked.online(some);
      for (const [at, userId] of some.entries()) if (found[at]) online.add(userId);
    });
    return userIds.filter((userId) => online.has(userId));
  }

  /** Resolves once all departures are done, as far as the backend answers. The other nodes end the graces that still run. */
  async close(): Promise<void> {
    const { registries, node } = this.#parts;
    this.#departures.close();
    try {
      await registries.upkeepBounds.call(() => this.#running.settled());
      // The registry unlists a node when it finds no connection of it. Otherwise the id stays until another node looks.
      await registries.upkeep.ofNode(node.id, 1);
    } catch {
      // The other nodes find it dead, and clear it.
    }
  }

  /** Asks again for the outcome of an arrival. Only with that outcome can the arrival be taken back. */
  #takeBack(id: string): void {
    const unsure = this.#unsure.get(id);
    if (!unsure || unsure.isAsked) return;
    unsure.isAsked = true;
    const { record } = unsure;
    const limits = {
      maxPerUser: Number.POSITIVE_INFINITY,
      expireAfterMs: this.#expireAfterMs,
      isAgain: true,
    };
    this.#running
      .track(async () => {
        const arrival = await this.#parts.registries.upkeep.arrive(record, limits);
        if (this.#unsure.delete(id)) this.giveUp(record, arrival);
      })
      .catch(() => {
        // A later tick tries it again, after the others.
        unsure.isAsked = false;
        if (this.#unsure.delete(id)) this.#unsure.set(id, unsure);
      });
  }

  async #clear(nodeId: string): Promise<void> {
    const { registries, holder, node } = this.#parts;
    const records = await registries.upkeep.ofNode(nodeId, BATCH);
    // A dead node is noticed one lease late.
    const graceMs = Math.max(0, this.#graceMs - node.leaseMs);
    debug("node %s has died, with %d connections that are registered", nodeId, records.length);
    for (const record of records) {
      if (this.#departures.has(record.id)) continue;
      holder.clearData(record);
      this.depart(record, graceMs);
    }
  }

  async #liveNodes(bounds: Bounds = this.#parts.registries.bounds): Promise<Set<string>> {
    return new Set(await bounds.call(() => this.#parts.bus.liveNodes()));
  }
}
