import { MemoryRegistry } from "../../lib/connections/memory-registry.ts";
import {
  type Arrival,
  type ArrivalLimits,
  type ConnectionRecord,
  type Departure,
  nodeOf,
  type RegisteredConnection,
  type Registry,
  type Sighting,
} from "../../lib/connections/registry.ts";
import { describeRegistry } from "../../lib/testing/describe-registry.ts";
import { collectedTests } from "./collected-tests.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Counts first and registers then, so other arrivals can come in between. */
class InTwoSteps extends MemoryRegistry {
  override async arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival> {
    const { length } = await this.ofUser(record.userId);
    if (length >= limits.maxPerUser) return "full";
    await turn();
    await super.arrive(record, { ...limits, maxPerUser: Number.POSITIVE_INFINITY });
    return length > 0 ? "further" : "first";
  }
}

class OfflineTwice extends MemoryRegistry {
  override async depart(record: ConnectionRecord, graceMs: number): Promise<Departure> {
    const departure = await super.depart(record, graceMs);
    return (await this.ofUser(record.userId)).length > 0 || departure.state === "leaving"
      ? departure
      : { state: "offline" };
  }
}

class NoGrace extends MemoryRegistry {
  override depart(record: ConnectionRecord): Promise<Departure> {
    return super.depart(record, 0);
  }
}

class GraceAnew extends MemoryRegistry {
  override async depart(record: ConnectionRecord, graceMs: number): Promise<Departure> {
    const departure = await super.depart(record, graceMs);
    return departure.state === "leaving" ? { state: "leaving", forMs: graceMs } : departure;
  }
}

/** Counts a leaving user as offline. */
class FirstWhileLeaving extends MemoryRegistry {
  override async arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival> {
    const { length } = await this.ofUser(record.userId);
    const arrival = await super.arrive(record, limits);
    return length === 0 ? "first" : arrival;
  }
}

class KeepsRefused extends MemoryRegistry {
  readonly #refused: ConnectionRecord[] = [];

  override async arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival> {
    const arrival = await super.arrive(record, limits);
    if (arrival === "full") this.#refused.push(record);
    return arrival;
  }

  override async ofNode(nodeId: string, count: number): Promise<ConnectionRecord[]> {
    const refused = this.#refused.filter(({ id }) => nodeOf(id) === nodeId);
    return [...(await super.ofNode(nodeId, count)), ...refused];
  }
}

class SightingsRegister extends MemoryRegistry {
  override async saw(sightings: readonly Sighting[]): Promise<ConnectionRecord[]> {
    const missing = await super.saw(sightings);
    const limits = { maxPerUser: 100, expireAfterMs: 1e9 };
    for (const record of missing) await super.arrive(record, limits);
    return missing;
  }
}

class NeverSweeps extends MemoryRegistry {
  override arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival> {
    return super.arrive(record, { ...limits, expireAfterMs: 1e9 });
  }
}

/** Stores users as fields of an object. */
class UsersAsKeys extends MemoryRegistry {
  override ofUser(userId: string): Promise<RegisteredConnection[]> {
    return super.ofUser(userId in {} ? "" : userId);
  }
}

class AllOfNode extends MemoryRegistry {
  override ofNode(nodeId: string): Promise<ConnectionRecord[]> {
    return super.ofNode(nodeId, 1_000);
  }
}

class DepartedIsForgotten extends MemoryRegistry {
  override async depart(record: ConnectionRecord, graceMs: number): Promise<Departure> {
    await this.forget(nodeOf(record.id), [record.id]);
    return super.depart(record, graceMs);
  }
}

class NodesOnce extends MemoryRegistry {
  override async nodesOf(userIds: readonly string[]): Promise<string[][]> {
    return super.nodesOf([...new Set(userIds)]);
  }
}

class OnlineWhileConnected extends MemoryRegistry {
  override async online(userIds: readonly string[]): Promise<boolean[]> {
    return (await this.nodesOf(userIds)).map((nodeIds) => nodeIds.length > 0);
  }
}

const broken: [new () => Registry, title: string][] = [
  [InTwoSteps, "registers 7 of 30 connections that arrive at the same time when the limit is 7"],
  [InTwoSteps, "tells one of many callers that a user came online, and one that the user went offline"],
  [InTwoSteps, "users come online and go offline alternately while connections race"],
  [OfflineTwice, "ignores a repeated departure"],
  [OfflineTwice, "users come online and go offline alternately while connections race with graces"],
  [OnlineWhileConnected, "a user is online until going offline, also while leaving"],
  [NoGrace, "a user is leaving for the grace of the departure, and has no connections meanwhile"],
  [GraceAnew, "a repeated departure does not change the grace"],
  [FirstWhileLeaving, "a user stays online if another connection arrives while the user is leaving"],
  [FirstWhileLeaving, "users come online and go offline alternately while connections race with graces"],
  [KeepsRefused, "refuses a connection beyond the user's limit, and does not list it"],
  [
    SightingsRegister,
    "returns the records that are not registered, complete and in order, and registers none",
  ],
  [SightingsRegister, "does not bring back a connection that departs at the same time"],
  [NeverSweeps, "sweeps a connection that was not heard for too long when its user connects"],
  [UsersAsKeys, "tells users apart whose ids have any characters"],
  [AllOfNode, "returns at most the given number of a node's connections, each once"],
  [DepartedIsForgotten, "a departure keeps the node's record until it is forgotten"],
  [NodesOnce, "returns the nodes of many users in the order of the users, each node once"],
];

describe("describeRegistry finds what is wrong with", () => {
  it.each(broken)("%p: %s", async (Broken, title) => {
    const tests = collectedTests((runner) => describeRegistry("it", { create: () => new Broken(), runner }));
    await expect(tests.get(title)?.()).rejects.toThrow();
  });
});
