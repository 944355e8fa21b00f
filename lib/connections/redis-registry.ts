import { isCluster, type RedisClient, RedisScript, readyClient } from "../redis-client/redis-client.ts";
import {
  type Arrival,
  type ArrivalLimits,
  type ConnectionRecord,
  type Departure,
  nodeOf,
  type RegisteredConnection,
  type Registry,
  type Sighting,
} from "./registry.ts";
import { ARRIVE_SCRIPT, DEPART_SCRIPT, SAW_SCRIPT } from "./registry-scripts.ts";
import { TurnBatch, type Waiting } from "./turn-batch.ts";

const arriveScript = new RedisScript(ARRIVE_SCRIPT);
const departScript = new RedisScript(DEPART_SCRIPT);
const sawScript = new RedisScript(SAW_SCRIPT);

/** Sightings that one call of the script takes. */
const SEEN_AT_ONCE = 250;

/** What was asked for in one turn, and waits for what it has come to. */
type Arriving = Waiting<Arrival> & { readonly record: ConnectionRecord; readonly limits: ArrivalLimits };
type Forgetting = Waiting<void> & { readonly nodeId: string; readonly ids: readonly string[] };

/** Stands in a user's ZSET for nobody: see registry-scripts.ts. */
const LEAVING = "";

/**
 * The registry in Redis: `user:<id>:connections`, a ZSET of connection id to last seen, and what else is known of
 * the connections in `node:<id>:connections`, a HASH for each node. `nodes:connected` is the SET of those nodes.
 *
 * What a node has is written before what a user has, and deleted after it: whoever clears a dead node finds all. Of
 * many in one turn it is one command.
 */
export class RedisRegistry implements Registry {
  readonly #client: () => RedisClient;
  readonly #prefix: string;
  readonly #isCluster: boolean;
  readonly #arriving = new TurnBatch<Arriving>((arriving) => this.#register(arriving));
  readonly #forgetting = new TurnBatch<Forgetting>((forgetting) => this.#unregister(forgetting));

  constructor(client: RedisClient, prefix: string) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
    this.#isCluster = isCluster(client);
  }

  arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival> {
    return new Promise((resolve, reject) => this.#arriving.add({ record, limits, resolve, reject }));
  }

  async depart({ id, userId }: ConnectionRecord, graceMs: number): Promise<Departure> {
    const call = { keys: [this.#userKey(userId)], arguments: [id, String(graceMs)] };
    const reply = Number(await departScript.run(this.#client(), call));
    if (reply > 0) return { state: "leaving", forMs: reply };
    return { state: reply === 0 ? "offline" : "present" };
  }

  async forget(nodeId: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await new Promise<void>((resolve, reject) => this.#forgetting.add({ nodeId, ids, resolve, reject }));
  }

  async saw(sightings: readonly Sighting[]): Promise<ConnectionRecord[]> {
    if (sightings.length === 0) return [];
    const client = this.#client();
    const nodeIds = new Set(sightings.map(({ record }) => nodeOf(record.id)));
    const [missing] = await Promise.all([
      Promise.all(this.#atOnce(sightings).map((some) => this.#saw(client, some))),
      // Again and again: whoever has taken this node for dead has forgotten it.
      ...[...nodeIds].map((nodeId) => client.sAdd(this.#nodesKey, nodeId)),
    ]);
    return missing.flat();
  }

  /** As many at once as keep the server from others for a fraction of a millisecond; of a cluster, those of one server. */
  #atOnce(sightings: readonly Sighting[]): Sighting[][] {
    if (this.#isCluster) return [...groupBy(sightings, ({ record }) => record.userId).values()];
    const parts = Math.ceil(sightings.length / SEEN_AT_ONCE);
    return Array.from({ length: parts }, (_, n) => sightings.slice(n * SEEN_AT_ONCE, (n + 1) * SEEN_AT_ONCE));
  }

  async #saw(client: RedisClient, some: readonly Sighting[]): Promise<ConnectionRecord[]> {
    const missing = await sawScript.run(client, {
      keys: some.map(({ record }) => this.#userKey(record.userId)),
      arguments: some.flatMap(({ record, agoMs }) => [record.id, String(agoMs)]),
    });
    return (missing as number[]).map((n) => (some[n - 1] as Sighting).record);
  }

  async ofUser(userId: string): Promise<RegisteredConnection[]> {
    const client = this.#client();
    const entries = (await client.zRangeWithScores(this.#userKey(userId), 0, -1)) as {
      value: string;
      score: number;
    }[];
    const seen = new Map(
      entries.filter(({ value }) => value !== LEAVING).map(({ value, score }) => [value, score]),
    );
    const found = await Promise.all(
      [...groupBy([...seen.keys()], nodeOf)].map(
        ([nodeId, ids]) => client.hmGet(this.#nodeKey(nodeId), ids) as Promise<(string | null)[]>,
      ),
    );
    return found.flat().flatMap((json) => {
      if (json === null) return [];
      const record = JSON.parse(json) as ConnectionRecord;
      return [{ ...record, lastSeen: Math.floor(Number(seen.get(record.id))) }];
    });
  }

  async nodesOf(userIds: readonly string[]): Promise<string[][]> {
    const client = this.#client();
    const found = await Promise.all(
      userIds.map((userId) => client.zRange(this.#userKey(userId), 0, -1) as Promise<string[]>),
    );
    return found.map((ids) => [...new Set(ids.filter((id) => id !== LEAVING).map(nodeOf))]);
  }

  online(userIds: readonly string[]): Promise<boolean[]> {
    const client = this.#client();
    return Promise.all(userIds.map(async (userId) => Number(await client.exists(this.#userKey(userId))) > 0));
  }

  async nodes(): Promise<string[]> {
    return (await this.#client().sMembers(this.#nodesKey)) as string[];
  }

  async ofNode(nodeId: string, count: number): Promise<ConnectionRecord[]> {
    const found = (await this.#client().hRandFieldCountWithValues(this.#nodeKey(nodeId), count)) as {
      value: string;
    }[];
    if (found.length === 0) {
      await this.#client().sRem(this.#nodesKey, nodeId);
      // It may have registered something between the two.
      if (await this.#client().exists(this.#nodeKey(nodeId)))
        await this.#client().sAdd(this.#nodesKey, nodeId);
    }
    return found.map(({ value }) => JSON.parse(value) as ConnectionRecord);
  }

  async #register(arriving: readonly Arriving[]): Promise<void> {
    const client = this.#client();
    const entered = Promise.all(
      [...groupBy(arriving, ({ record }) => nodeOf(record.id))].flatMap(([nodeId, some]) => [
        client.hSet(
          this.#nodeKey(nodeId),
          Object.fromEntries(some.map(({ record }) => [record.id, JSON.stringify(record)])),
        ),
        // Each time: a node that was taken for dead has been taken out, and does not know of it.
        client.sAdd(this.#nodesKey, nodeId),
      ]),
    );
    // One server takes commands in the order in which they are sent.
    if (this.#isCluster) await entered;
    for (const { record, limits, resolve, reject } of arriving) {
      const arrived = Promise.all([this.#arrive(client, record, limits), entered]);
      arrived.then(([arrival]) => resolve(arrival), reject);
    }
  }

  async #arrive(
    client: RedisClient,
    { id, userId }: ConnectionRecord,
    { maxPerUser, expireAfterMs, isAgain = false }: ArrivalLimits,
  ): Promise<Arrival> {
    const limit = maxPerUser === Number.POSITIVE_INFINITY ? "inf" : String(maxPerUser);
    const reply = await arriveScript.run(client, {
      keys: [this.#userKey(userId)],
      arguments: [id, limit, String(expireAfterMs), isAgain ? "1" : ""],
    });
    if (reply === 1) return "first";
    if (reply === 0) return "further";
    await this.forget(nodeOf(id), [id]);
    return "full";
  }

  async #unregister(forgetting: readonly Forgetting[]): Promise<void> {
    const byNode = [...groupBy(forgetting, ({ nodeId }) => nodeId)];
    await Promise.all(
      byNode.map(async ([nodeId, some]) => {
        const ids = some.flatMap((each) => each.ids);
        await this.#client().hDel(this.#nodeKey(nodeId), ids);
      }),
    );
    for (const { resolve } of forgetting) resolve();
  }

  get #nodesKey(): string {
    return `${this.#prefix}nodes:connected`;
  }

  #nodeKey(nodeId: string): string {
    return `${this.#prefix}node:${nodeId}:connections`;
  }

  #userKey(userId: string): string {
    return `${this.#prefix}user:${userId}:connections`;
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
