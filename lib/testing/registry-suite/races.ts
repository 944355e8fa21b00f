import assert from "node:assert/strict";
import type { ConnectionRecord, Departure, Registry } from "../../connections/registry.ts";
import { pause } from "../tools/interleaving.ts";
import { seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import { Chronicle, type Span } from "../tools/spans.ts";
import { assertPossible, isThereAtEnd, type Life } from "./races-model.ts";
import { assertConnected, hourMs, idsOfNode, recordOf } from "./records.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const seeds = range(60).map((n) => n + 1);

/** Users come online and go offline alternately, however many connections race. One caller is told of each change. */
export function raceRules(rule: RuleDeclarer): void {
  rule(
    "tells one of many callers that a user came online, and one that the user went offline",
    async (registry) => {
      for (const seed of range(10)) {
        const records = range(20).map((n) => recordOf(`user ${seed}`, 20 * seed + n, `n${n % 3}`));
        const limits = { maxPerUser: 100, expireAfterMs: hourMs };
        const arrivals = await Promise.all(records.map((record) => registry.arrive(record, limits)));
        assert.equal(arrivals.filter((arrival) => arrival === "first").length, 1);
        const twice = [...records, ...records];
        const departures = await Promise.all(twice.map((record) => registry.depart(record, 0)));
        assert.equal(departures.filter(({ state }) => state === "offline").length, 1);
      }
    },
  );

  rule("users come online and go offline alternately while connections race", async (registry) => {
    for (const seed of seeds) await raceConnections([registry], seed, { withGrace: false });
  });

  rule(
    "users come online and go offline alternately while connections race with graces",
    async (registry) => {
      for (const seed of seeds) await raceConnections([registry], seed, { withGrace: true });
    },
  );

  rule("a dead connection that many arrivals sweep does not take its user offline", async (registry) => {
    for (const n of range(10)) {
      const userId = `user ${n}`;
      await registry.arrive(recordOf(userId, 10 * n), { maxPerUser: 10, expireAfterMs: 10 });
      const deadAt = Date.now() + 20;
      while (Date.now() < deadAt) await new Promise((resolve) => setImmediate(resolve));
      const next = range(4).map((at) => recordOf(userId, 10 * n + at + 1));
      const limits = { maxPerUser: 4, expireAfterMs: 10_000 };
      const sweeping = next.map((record, at) =>
        registry.arrive(record, at === 0 ? { ...limits, expireAfterMs: 10 } : limits),
      );
      const arrivals = await Promise.all(sweeping);
      assert.ok(!arrivals.includes("first"), `${arrivals}`);
      const departures = await Promise.all(
        [recordOf(userId, 10 * n), ...next].map((record) => registry.depart(record, 0)),
      );
      assert.equal(departures.filter(({ state }) => state === "offline").length, 1);
    }
  });
}

export interface RaceOptions {
  /** Whether departures have a grace. */
  readonly withGrace: boolean;
}

/**
 * Races connections of three users. Each call goes to the registry of a random node. Asserts by the model that all
 * results are possible.
 */
export async function raceConnections(
  nodes: readonly Registry[],
  seed: number,
  { withGrace }: RaceOptions,
): Promise<void> {
  const random = seededRandom(seed);
  const chronicle = new Chronicle();
  const maxPerUser = random.chance(0.3) ? 3 : 100;
  const nodeIds = range(3).map((n) => `seed ${seed} node ${n}`);

  async function live(record: ConnectionRecord): Promise<Life> {
    const registry = random.pick(nodes);
    for (let turns = random.int(4); turns > 0; turns--) await pause(random);
    const limits = { maxPerUser, expireAfterMs: hourMs };
    const arrival = await chronicle.during(() => registry.arrive(record, limits));
    await pause(random);
    if (arrival.result === "full" || random.chance(0.2)) return { record, arrival, departures: [] };
    const callers = random.chance(0.3) ? 3 : 1;
    const graceMs = withGrace ? random.int(4) : 0;
    const seeing = random.chance(0.3) ? registry.saw([{ record, agoMs: 0 }]) : undefined;
    const departing = range(callers).map(() => leave(random.pick(nodes), record, graceMs));
    const [departures] = await Promise.all([Promise.all(departing), seeing]);
    return { record, arrival, departures: departures.flat() };
  }

  /** Departs, and repeats that as long as the user is leaving. */
  async function leave(
    registry: Registry,
    record: ConnectionRecord,
    graceMs: number,
  ): Promise<Span<Departure>[]> {
    const departures: Span<Departure>[] = [];
    for (;;) {
      await pause(random);
      const departure = await chronicle.during(() => registry.depart(record, graceMs));
      departures.push(departure);
      const { result } = departure;
      if (result.state !== "leaving") return departures;
      assert.ok(result.forMs > 0 && result.forMs <= 4, `leaving for ${result.forMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, result.forMs));
    }
  }

  const userIds = range(3).map((n) => `seed ${seed} user ${n}`);
  const records = range(24).map((n) => recordOf(random.pick(userIds), n, random.pick(nodeIds)));
  try {
    const lives = await Promise.all(records.map(live));
    for (const userId of userIds) {
      const own = lives.filter(({ record }) => record.userId === userId);
      assertPossible(own, { maxPerUser, withGrace });
      const left = own.filter(isThereAtEnd).map(({ record }) => record);
      for (const registry of nodes) await assertConnected(registry, userId, left);
    }
    const registered = lives.filter(({ arrival }) => arrival.result !== "full");
    const ofNodes = await Promise.all(nodeIds.map((nodeId) => idsOfNode(nodes[0] as Registry, nodeId)));
    assert.deepEqual(ofNodes.flat().sort(), registered.map(({ record }) => record.id).sort());
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  }
}
