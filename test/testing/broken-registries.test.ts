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

/** Looks first and registers then, so that others come in between. */
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

/** Takes who is leaving for gone. */
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

/** Has users as fields of an object. */
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
  [InTwoSteps, "of 30 that arrive at once where 7 may be, registers 7"],
  [InTwoSteps, "tells one caller of many at once that a user came, and one that the user went"],
  [InTwoSteps, "has users come and go in turns, however connections race"],
  [OfflineTwice, "does nothing by a departure that is told again"],
  [OfflineTwice, "has users come and go in turns, however connections race with their graces"],
  [OnlineWhileConnected, "is online until it goes offline, also while it leaves"],
  [NoGrace, "leaves for as long as the departure says, and is found nowhere meanwhile"],
  [GraceAnew, "does not leave for longer or shorter because it is asked for again"],
  [FirstWhileLeaving, "stays online if another connection arrives while it leaves"],
  [FirstWhileLeaving, "has users come and go in turns, however connections race with their graces"],
  [KeepsRefused, "refuses one more than a user may have, and has nothing of it"],
  [SightingsRegister, "gives those who are not registered, whole and in their order, and registers none"],
  [SightingsRegister, "does not bring back who departs at the same time"],
  [NeverSweeps, "sweeps one that was not heard for too long, when its user connects"],
  [UsersAsKeys, "keeps users apart with ids of any characters"],
  [AllOfNode, "gives some of what a node has, each once and no more than asked"],
  [DepartedIsForgotten, "is nothing to a node's records, which stay until they are forgotten"],
  [NodesOnce, "has the nodes of many users, in the order asked, each node once"],
];

describe("describeRegistry finds what is wrong with", () => {
  it.each(broken)("%p: %s", async (Broken, title) => {
    const tests = collectedTests((runner) => describeRegistry("it", { create: () => new Broken(), runner }));
    await expect(tests.get(title)?.()).rejects.toThrow();
  });
});
