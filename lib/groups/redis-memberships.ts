import { chunks } from "../calls/in-batches.ts";
import { unavailable } from "../calls/in-time.ts";
import { isCluster, type RedisClient, RedisScript, readyClient } from "../redis-client/redis-client.ts";
import type { Replicas } from "../redis-client/replicas.ts";
import { JOIN_SCRIPT } from "./join-script.ts";
import { ARE_MEMBERS_SCRIPT } from "./members-script.ts";
import type { Joining, Memberships } from "./memberships.ts";

const joinScript = new RedisScript(JOIN_SCRIPT);
const areMembersScript = new RedisScript(ARE_MEMBERS_SCRIPT);

/** Members that are checked in one round trip. */
const BATCH = 500;

/**
 * Milliseconds after which a change gives way to a later one of the same membership. Its caller may have stopped
 * waiting.
 */
const GIVES_WAY_AFTER_MS = 1_000;

/** How often one change writes to the group's SET again because others have changed the user's. */
const MAX_WRITES = 10;

/**
 * The memberships in Redis. The SET `user:<id>:groups` alone decides who is a member. The SET `group:<name>:members`
 * serves to find the members. The two may be on different servers of a cluster, so no step changes both.
 *
 * A join writes the group's SET first, and a leave writes it last. A crash in between leaves a surplus name, which
 * `members` filters out by the user's SET. Each writer of the group's SET then reads the user's SET again. Of several
 * concurrent writers, the last one reads after all of them have written.
 */
export class RedisMemberships implements Memberships {
  readonly #client: () => RedisClient;
  readonly #prefix: string;
  readonly #isCluster: boolean;
  readonly #replicas: Replicas | undefined;
  /** The number of the latest change under way, by membership. */
  readonly #latest = new Map<string, number>();
  #count = 0;

  constructor(client: RedisClient, prefix: string, replicas?: Replicas) {
    this.#client = readyClient(client);
    this.#prefix = prefix;
    this.#replicas = replicas;
    this.#isCluster = isCluster(client);
  }

  join(userId: string, group: string, maxGroups: number): Promise<Joining> {
    return this.#changing(userId, group, async (isOver) => {
      await this.#client().sAdd(this.#membersKey(group), userId);
      if (isOver()) throw unavailable("took so long that a later change of the same membership came first");
      const limit = maxGroups === Number.POSITIVE_INFINITY ? "inf" : String(maxGroups);
      const call = { keys: [this.#groupsKey(userId)], arguments: [group, limit] };
      const reply = await joinScript.run(this.#client(), call);
      await this.#settle(userId, group, reply !== -1, isOver);
      if (reply === -1) return "full";
      return reply === 1 ? "joined" : "member";
    });
  }

  leave(userId: string, group: string): Promise<boolean> {
    return this.#changing(userId, group, async (isOver) => {
      const key = this.#groupsKey(userId);
      const left = Number(await this.#client().sRem(key, group)) === 1;
      await this.#settle(userId, group, false, isOver);
      await this.#replicas?.confirm(["SISMEMBER", key, group]);
      return left;
    });
  }

  async isMember(userId: string, group: string): Promise<boolean> {
    return Number(await this.#client().sIsMember(this.#groupsKey(userId), group)) === 1;
  }

  async groupsOf(userId: string): Promise<string[]> {
    return (await this.#client().sMembers(this.#groupsKey(userId))) as string[];
  }

  async members(group: string): Promise<string[]> {
    const userIds = (await this.#client().sMembers(this.#membersKey(group))) as string[];
    const members: string[] = [];
    for (const batch of chunks(userIds, BATCH)) {
      const found = await this.#areMembers(batch, group);
      members.push(...batch.filter((_, at) => found[at]));
    }
    return members;
  }

  /**
   * Runs a change. The change is over once a later one was requested and its own time is up: its remaining steps would
   * undo the later one.
   */
  async #changing<T>(
    userId: string,
    group: string,
    change: (isOver: () => boolean) => Promise<T>,
  ): Promise<T> {
    const key = JSON.stringify([userId, group]);
    const number = ++this.#count;
    const begunAt = performance.now();
    const isOver = () => this.#latest.get(key) !== number && performance.now() - begunAt > GIVES_WAY_AFTER_MS;
    this.#latest.set(key, number);
    try {
      return await change(isOver);
    } finally {
      if (this.#latest.get(key) === number) this.#latest.delete(key);
    }
  }

  /** Makes the group's SET agree with the user's SET. It begins with the expected state. A later change does the same. */
  async #settle(userId: string, group: string, isMember: boolean, isOver: () => boolean): Promise<void> {
    const key = this.#membersKey(group);
    let written = isMember;
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      if (isOver()) return;
      await (written ? this.#client().sAdd(key, userId) : this.#client().sRem(key, userId));
      const is = await this.isMember(userId, group);
      if (is === written) return;
      written = is;
    }
    // Others change the membership all the while. A surplus name is better than a missing one: `members` filters it out.
    await this.#client().sAdd(key, userId);
  }

  /** Whether each user is in the group. It is one command, except on a cluster, where the users are on several servers. */
  async #areMembers(userIds: readonly string[], group: string): Promise<boolean[]> {
    if (this.#isCluster) return Promise.all(userIds.map((userId) => this.isMember(userId, group)));
    const call = { keys: userIds.map((userId) => this.#groupsKey(userId)), arguments: [group] };
    return ((await areMembersScript.run(this.#client(), call)) as number[]).map((is) => is === 1);
  }

  #groupsKey(userId: string): string {
    return `${this.#prefix}user:${userId}:groups`;
  }

  #membersKey(group: string): string {
    return `${this.#prefix}group:${group}:members`;
  }
}
