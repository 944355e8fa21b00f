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

/** Sightings in one call of the script. */
const SEEN_AT_ONCE = 250;

/** A call that was made in this turn, and waits for its result. */
type Arriving = Waiting<Arrival> & { readonly record: ConnectionRecord; readonly limits: ArrivalLimits };
type Forgetting = Waiting<void> & { readonly nodeId: string; readonly ids: readonly string[] };

/** The member of a user's ZSET that is no connection: see registry-scripts.ts. */
const LEAVING = "";

/**
 * The registry in Redis. `user:<id>:connections` is a ZSET of connection id to last seen. `node:<id>:connections` is a
 * HASH for each node, with the records of its connections. `nodes:connected` is the SET of those nodes.
 *
 * The entry of the node is written before the entry of the user, and deleted after it, so that clearing a dead node finds
 * every connection. Entries of one node that are written in the same turn share one command.
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
      // The node is added each time: a node that took this one for dead has removed it.
      ...[...nodeIds].map((nodeId) => client.sAdd(this.#nodesKey, nodeId)),
    ]);
    return missing.flat();
  }

  /**
   * Splits sightings into script calls that each block the server for a fraction of a millisecond. On a cluster each
   * call has one user.
   */
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
      // The node may have registered a connection between the two commands.
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
        // The node is added each time: a node that was taken for dead has been removed, and does not know of it.
        client.sAdd(this.#nodesKey, nodeId),
      ]),
    );
    // A single server runs commands in the order in which they are sent. A cluster does not.
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
