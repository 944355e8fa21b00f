import assert from "node:assert/strict";
import {
  type Arrival,
  type ArrivalLimits,
  type ConnectionRecord,
  connectionId,
  type Registry,
} from "../../connections/registry.ts";

/** Limits that no test reaches. */
export const noLimits: ArrivalLimits = { maxPerUser: Number.POSITIVE_INFINITY, expireAfterMs: 3_600_000 };

export const hourMs = 3_600_000;

/** A connection of a user, the `count`th of its node. */
export function recordOf(userId: string, count: number, nodeId = "n1"): ConnectionRecord {
  const id = connectionId(nodeId, count);
  const connectedAt = Date.now();
  return { id, userId, sid: `session ${count}`, ip: "::1", userAgent: `agent ${count}`, connectedAt };
}

/** Registers a connection, with limits that no test reaches. */
export function arrive(registry: Registry, record: ConnectionRecord): Promise<Arrival> {
  return registry.arrive(record, noLimits);
}

/** The ids of a user's connections, sorted. */
export async function idsOfUser(registry: Registry, userId: string): Promise<string[]> {
  return (await registry.ofUser(userId)).map(({ id }) => id).sort();
}

/** The ids of a node's connections, sorted. */
export async function idsOfNode(registry: Registry, nodeId: string): Promise<string[]> {
  return (await registry.ofNode(nodeId, 10_000)).map(({ id }) => id).sort();
}

/** Asserts that a user has exactly these connections, by `ofUser`, `nodesOf` and `online`. */
export async function assertConnected(
  registry: Registry,
  userId: string,
  records: readonly ConnectionRecord[],
): Promise<void> {
  assert.deepEqual(await idsOfUser(registry, userId), records.map(({ id }) => id).sort());
  const nodeIds = new Set(records.map(({ id }) => id.slice(0, id.lastIndexOf(":"))));
  const [found] = await registry.nodesOf([userId]);
  assert.deepEqual(found?.sort(), [...nodeIds].sort());
  if (records.length > 0) assert.deepEqual(await registry.online([userId]), [true]);
}

/** Departs without grace, and returns the state. */
export async function stateAfter(registry: Registry, record: ConnectionRecord): Promise<string> {
  return (await registry.depart(record, 0)).state;
}

/** Departs, and asserts that the user is leaving. Returns for how long. */
export async function assertLeaving(
  registry: Registry,
  record: ConnectionRecord,
  graceMs: number,
): Promise<number> {
  const departure = await registry.depart(record, graceMs);
  assert.ok(departure.state === "leaving", departure.state);
  return departure.forMs;
}
