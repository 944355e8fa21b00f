import { isCluster, type RedisClient, RedisScript, readyClient } from "../redis-client.ts";
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
import { ARRIVE_SCRIPT, DEPART_SCRIPT } from "./registry-scripts.ts";

const arriveScript = new RedisScript(ARRIVE_SCRIPT);
const departScript = new RedisScript(DEPART_SCRIPT);

/** Stands in a user's ZSET for nobody: see registry-scripts.ts. */
const LEAVING = "";

/**
 * The registry in Redis: `user:<id>:connections`, a ZSET of connection id to last seen, and what else is known of
 * the connections in `node:<id>:connections`, a HASH for each node. `nodes:connected` is the SET of those nodes.
 *
 * What a node has is written before what a user has, and deleted after it: whoever clears a dead node finds all.
 */
export class RedisRegistry implements Registry {
  readonly #client: () => RedisClient;
  readonly #prefix: string;
  readonly #isCluster: boolean;
  #clockAheadMs: number | undefined;

  constructor(client: RedisClient, prefix: string) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
    this.#isCluster = isCluster(client);
  }

  async arrive(record: ConnectionRecord, { maxPerUser, expireAfterMs }: ArrivalLimits): Promise<Arrival> {
    const { id } = record;
    const entered = Promise.all([
      this.#client().hSet(this.#nodeKey(nodeOf(id)), id, JSON.stringify(record)),
      // Each time: a node that was taken for dead has been taken out, and does not know of it.
      this.#client().sAdd(this.#nodesKey, nodeOf(id)),
    ]);
    // One server takes commands in the order in which they are sent.
    if (this.#isCluster) await entered;
    const arrived = arriveScript.run(this.#client(), {
      keys: [this.#userKey(record.userId)],
      arguments: [
        id,
        maxPerUser === Number.POSITIVE_INFINITY ? "inf" : String(maxPerUser),
        String(expireAfterMs),
      ],
    });
    const [reply] = await Promise.all([arrived, entered]);
    if (reply === 1) return "first";
    if (reply === 0) return "further";
    await this.forget(nodeOf(id), [id]);
    return "full";
  }

  async depart({ id, userId }: ConnectionRecord, graceMs: number): Promise<Departure> {
    const call = { keys: [this.#userKey(userId)], arguments: [id, String(graceMs)] };
    const reply = Number(await departScript.run(this.#client(), call));
    if (reply > 0) return { state: "leaving", forMs: reply };
    return { state: reply === 0 ? "offline" : "present" };
  }

  async forget(nodeId: string, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#client().hDel(this.#nodeKey(nodeId), [...ids]);
  }

  async saw(sightings: readonly Sighting[]): Promise<ConnectionRecord[]> {
    if (sightings.length === 0) return [];
    const client = this.#client();
    // By the server's clock, which is asked for anew with each batch, and used with the next.
    if (this.#clockAheadMs === undefined) await this.#readClock(client);
    const now = Date.now() + (this.#clockAheadMs ?? 0);
    const nodeIds = new Set(sightings.map(({ record }) => nodeOf(record.id)));
    const [found] = await Promise.all([
      Promise.all(
        sightings.map(({ record, agoMs }) =>
          client.zAdd(
            this.#userKey(record.userId),
            { score: Math.round(now - agoMs), value: record.id },
            { condition: "XX", CH: true },
          ),
        ),
      ),
      this.#readClock(client),
      // Again and again: whoever has taken this node for dead has forgotten it.
      ...[...nodeIds].map((nodeId) => client.sAdd(this.#nodesKey, nodeId)),
    ]);
    // One whose score was just this has not changed either.
    const unchanged = sightings.filter((_, at) => Number(found[at]) === 0).map(({ record }) => record);
    const scores = await Promise.all(
      unchanged.map(({ id, userId }) => client.zScore(this.#userKey(userId), id)),
    );
    return unchanged.filter((_, at) => scores[at] === null);
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
    const byNode = new Map<string, string[]>();
    for (const id of seen.keys()) byNode.set(nodeOf(id), [...(byNode.get(nodeOf(id)) ?? []), id]);
    const found = await Promise.all(
      [...byNode].map(
        ([nodeId, ids]) => client.hmGet(this.#nodeKey(nodeId), ids) as Promise<(string | null)[]>,
      ),
    );
    return found.flat().flatMap((json) => {
      if (json === null) return [];
      const record = JSON.parse(json) as ConnectionRecord;
      return [{ ...record, lastSeen: Number(seen.get(record.id)) }];
    });
  }

  async nodesOf(userIds: readonly string[]): Promise<string[][]> {
    const client = this.#client();
    const found = await Promise.all(
      userIds.map((userId) => client.zRange(this.#userKey(userId), 0, -1) as Promise<string[]>),
    );
    return found.map((ids) => [...new Set(ids.filter((id) => id !== LEAVING).map(nodeOf))]);
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

  get #nodesKey(): string {
    return `${this.#prefix}nodes:connected`;
  }

  #nodeKey(nodeId: string): string {
    return `${this.#prefix}node:${nodeId}:connections`;
  }

  #userKey(userId: string): string {
    return `${this.#prefix}user:${userId}:connections`;
  }

  async #readClock(client: RedisClient): Promise<void> {
    const askedAt = Date.now();
    const [seconds, microseconds] = (await client.time()) as [string, string];
    const midway = (askedAt + Date.now()) / 2;
    this.#clockAheadMs = Number(seconds) * 1000 + Number(microseconds) / 1000 - midway;
  }
}
