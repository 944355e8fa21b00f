import type {
  Arrival,
  ArrivalLimits,
  ConnectionRecord,
  Departure,
  RegisteredConnection,
  Registry,
  Sighting,
} from "./registry.ts";
import { nodeOf } from "./registry.ts";

interface UserEntry {
  readonly connections: Map<string, RegisteredConnection>;
  /** The id of the connection that arrived first. */
  first: string;
  /** When a user without connections goes offline. */
  leavesAt: number | undefined;
}

/** The registry of one process. */
export class MemoryRegistry implements Registry {
  readonly #byUser = new Map<string, UserEntry>();
  readonly #byNode = new Map<string, Map<string, ConnectionRecord>>();
  readonly #now: () => number;

  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now;
  }

  async arrive(
    record: ConnectionRecord,
    { maxPerUser, expireAfterMs, isAgain }: ArrivalLimits,
  ): Promise<Arrival> {
    const { id, userId } = record;
    const now = this.#now();
    const known = this.#byUser.get(userId);
    if (isAgain && known?.first === id && known.connections.has(id)) return "first";
    const connections = new Map<string, RegisteredConnection>();
    const entry = known ?? { connections, first: id, leavesAt: undefined };
    for (const [other, { lastSeen }] of entry.connections) {
      if (lastSeen < now - expireAfterMs) entry.connections.delete(other);
    }
    if (!entry.connections.has(id) && entry.connections.size >= maxPerUser) return "full";
    entry.connections.set(id, { ...record, lastSeen: now });
    entry.leavesAt = undefined;
    this.#byUser.set(userId, entry);
    const ofNode = this.#byNode.get(nodeOf(id)) ?? new Map<string, ConnectionRecord>();
    this.#byNode.set(nodeOf(id), ofNode.set(id, { ...record }));
    return known ? "further" : "first";
  }

  async depart({ id, userId }: ConnectionRecord, graceMs: number): Promise<Departure> {
    const entry = this.#byUser.get(userId);
    if (!entry) return { state: "present" };
    const now = this.#now();
    entry.connections.delete(id);
    if (entry.connections.size > 0) return { state: "present" };
    entry.leavesAt ??= now + graceMs;
    if (entry.leavesAt > now) return { state: "leaving", forMs: entry.leavesAt - now };
    this.#byUser.delete(userId);
    return { state: "offline" };
  }

  async forget(nodeId: string, ids: readonly string[]): Promise<void> {
    const ofNode = this.#byNode.get(nodeId);
    for (const id of ids) ofNode?.delete(id);
    if (ofNode?.size === 0) this.#byNode.delete(nodeId);
  }

  async saw(sightings: readonly Sighting[]): Promise<ConnectionRecord[]> {
    const now = this.#now();
    return sightings.flatMap(({ record, agoMs }) => {
      const connections = this.#byUser.get(record.userId)?.connections;
      if (!connections?.has(record.id)) return [record];
      connections.set(record.id, { ...record, lastSeen: now - agoMs });
      return [];
    });
  }

  async ofUser(userId: string): Promise<RegisteredConnection[]> {
    const connections = this.#byUser.get(userId)?.connections.values() ?? [];
    return [...connections].map((connection) => ({ ...connection }));
  }

  async nodesOf(userIds: readonly string[]): Promise<string[][]> {
    return userIds.map((userId) => [
      ...new Set([...(this.#byUser.get(userId)?.connections.keys() ?? [])].map(nodeOf)),
    ]);
  }

  async online(userIds: readonly string[]): Promise<boolean[]> {
    return userIds.map((userId) => this.#byUser.has(userId));
  }

  async nodes(): Promise<string[]> {
    return [...this.#byNode.keys()];
  }

  async ofNode(nodeId: string, count: number): Promise<ConnectionRecord[]> {
    const records = [...(this.#byNode.get(nodeId)?.values() ?? [])];
    return records.slice(0, count).map((record) => ({ ...record }));
  }
}
