import type {
  ConnectionIdentity,
  ConnectionStore,
  ConnectionStoreOptions,
  StoredValue,
} from "../../lib/connections/connection-store.ts";
import { MemoryConnectionStore } from "../../lib/connections/memory-connection-store.ts";
import type { Joining, Memberships } from "../../lib/groups/memberships.ts";
import { MemoryMemberships } from "../../lib/groups/memory-memberships.ts";
import { describeConnectionStore } from "../../lib/testing/describe-connection-store.ts";
import { describeMemberships } from "../../lib/testing/describe-memberships.ts";
import { collectedTests } from "./collected-tests.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Counts first and joins then, so that others come in between. */
class JoinsInTwoSteps extends MemoryMemberships {
  override async join(userId: string, group: string, maxGroups: number): Promise<Joining> {
    const groups = await this.groupsOf(userId);
    await turn();
    if (groups.includes(group)) return "member";
    if (groups.length >= maxGroups) return "full";
    await super.join(userId, group, Number.POSITIVE_INFINITY);
    return "joined";
  }
}

/** Enters the user and the group each by a step of its own, and looks at neither again. */
class TwoBooks extends MemoryMemberships {
  readonly #members = new Map<string, Set<string>>();
  #steps = 0;

  override async join(userId: string, group: string, maxGroups: number): Promise<Joining> {
    const joining = await super.join(userId, group, maxGroups);
    for (let turns = this.#steps++ % 3; turns > 0; turns--) await turn();
    if (joining !== "full") this.#members.set(group, (this.#members.get(group) ?? new Set()).add(userId));
    return joining;
  }

  override async leave(userId: string, group: string): Promise<boolean> {
    const left = await super.leave(userId, group);
    for (let turns = this.#steps++ % 3; turns > 0; turns--) await turn();
    this.#members.get(group)?.delete(userId);
    return left;
  }

  override async members(group: string): Promise<string[]> {
    return [...(this.#members.get(group) ?? [])];
  }
}

class FullBeforeMember extends MemoryMemberships {
  override async join(userId: string, group: string, maxGroups: number): Promise<Joining> {
    if ((await this.groupsOf(userId)).length >= maxGroups) return "full";
    return super.join(userId, group, maxGroups);
  }
}

class TrimsNames extends MemoryMemberships {
  override async isMember(userId: string, group: string): Promise<boolean> {
    return (await this.groupsOf(userId)).some((other) => other.trim() === group.trim());
  }
}

const memberships: [new () => Memberships, title: string][] = [
  [JoinsInTwoSteps, "of 30 groups that are joined at once where 7 may be, has 7"],
  [JoinsInTwoSteps, "of many who put one user into one group at once, tells one that the user has joined"],
  [JoinsInTwoSteps, "has users join and leave in turns, however many race, and the groups agree"],
  [TwoBooks, "has users join and leave in turns, however many race, and the groups agree"],
  [TrimsNames, "keeps groups apart with names of any characters"],
  [FullBeforeMember, "takes a member for one also where no further group may be"],
];

describe("describeMemberships finds what is wrong with", () => {
  it.each(memberships)("%p: %s", async (Broken, title) => {
    const tests = collectedTests((runner) =>
      describeMemberships("it", { create: () => new Broken(), runner }),
    );
    await expect(tests.get(title)?.()).rejects.toThrow();
  });
});

class References extends MemoryConnectionStore {
  readonly #values = new Map<string, StoredValue>();

  override async get(_: ConnectionIdentity, key: string): Promise<StoredValue | undefined> {
    return this.#values.get(key);
  }

  override async set(_: ConnectionIdentity, key: string, value: StoredValue): Promise<void> {
    this.#values.set(key, value);
  }
}

class ReadingKeepsAlive extends MemoryConnectionStore {
  constructor(options: ConnectionStoreOptions) {
    // Not over when this process stands still between two reads, and over before the rule stops waiting.
    super({ ...options, ttlSeconds: 3 });
  }

  override async get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined> {
    await this.refresh(connection);
    return super.get(connection, key);
  }
}

class NeverRefreshes extends MemoryConnectionStore {
  override async refresh(): Promise<void> {}
}

/** Gives each key a life of its own. */
class LivesByKey implements ConnectionStore {
  readonly #options: ConnectionStoreOptions;
  readonly #stores = new Map<string, MemoryConnectionStore>();

  constructor(options: ConnectionStoreOptions) {
    this.#options = options;
  }

  get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined> {
    return this.#store(key).get(connection, key);
  }

  set(connection: ConnectionIdentity, key: string, value: StoredValue): Promise<void> {
    return this.#store(key).set(connection, key, value);
  }

  delete(connection: ConnectionIdentity, key: string): Promise<void> {
    return this.#store(key).delete(connection, key);
  }

  async refresh(connection: ConnectionIdentity): Promise<void> {
    for (const store of this.#stores.values()) await store.refresh(connection);
  }

  #store(key: string): MemoryConnectionStore {
    const store = this.#stores.get(key) ?? new MemoryConnectionStore(this.#options);
    this.#stores.set(key, store);
    return store;
  }
}

class NamesAnybody extends MemoryConnectionStore {
  constructor(options: ConnectionStoreOptions) {
    super({ ...options, nameOf: (connection) => `${options.nameOf(connection)}` });
  }
}

class TextOnly extends MemoryConnectionStore {
  override async get(connection: ConnectionIdentity, key: string): Promise<StoredValue | undefined> {
    const value = await super.get(connection, key);
    return typeof value === "string" && value.startsWith("{") ? (JSON.parse(value) as StoredValue) : value;
  }
}

class ClearsNothing extends MemoryConnectionStore {
  override async clear(): Promise<void> {}
}

const stores: [new (options: ConnectionStoreOptions) => ConnectionStore, title: string][] = [
  [References, "keeps a copy of what is set, and gives a copy to each who gets"],
  [ReadingKeepsAlive, "has all of it until its time is over, and then nothing, however often it is read"],
  [NeverRefreshes, "lives on while it is refreshed, and no longer"],
  [LivesByKey, "lives on as a whole while any of its keys is set, and no longer"],
  [LivesByKey, "clears all of a connection, and nobody else's"],
  [NamesAnybody, "has nothing of connections without a name, and does nothing about it"],
  [TextOnly, "gives back a text that looks like JSON"],
  [ClearsNothing, "clears all of a connection, and nobody else's"],
];

describe("describeConnectionStore finds what is wrong with", () => {
  it.each(stores)("%p: %s", async (Broken, title) => {
    const create = (options: ConnectionStoreOptions) => new Broken(options);
    const tests = collectedTests((runner) => describeConnectionStore("it", { create, runner }));
    await expect(tests.get(title)?.()).rejects.toThrow();
  });
});
