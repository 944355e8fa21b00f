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

/** Counts first and joins then, so other joins can come in between. */
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

/** Changes the user and the group in two separate steps, and checks neither again. */
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
  [JoinsInTwoSteps, "joins 7 of 30 groups at the same time when the limit is 7"],
  [JoinsInTwoSteps, "tells one of many callers who add one user to one group that the user has joined"],
  [JoinsInTwoSteps, "joining and leaving alternate in a race, and the groups agree at the end"],
  [TwoBooks, "joining and leaving alternate in a race, and the groups agree at the end"],
  [TrimsNames, "tells groups apart whose names have any characters"],
  [FullBeforeMember, "answers a member who joins again with member, even at the limit"],
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
    // Long enough to survive a process that stands still between two reads. Over before the rule stops waiting.
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

/** Gives each key its own expiry. */
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
  [References, "stores a copy of the value, and returns a copy to each reader"],
  [ReadingKeepsAlive, "keeps all data until it expires and nothing after that, however often it is read"],
  [NeverRefreshes, "keeps data exactly as long as it is refreshed"],
  [LivesByKey, "keeps all data exactly as long as one of its keys is set"],
  [LivesByKey, "clears all data of one connection and of no other"],
  [NamesAnybody, "stores nothing for a connection without a name, and throws no error"],
  [TextOnly, "returns a text that looks like JSON unchanged"],
  [ClearsNothing, "clears all data of one connection and of no other"],
];

describe("describeConnectionStore finds what is wrong with", () => {
  it.each(stores)("%p: %s", async (Broken, title) => {
    const create = (options: ConnectionStoreOptions) => new Broken(options);
    const tests = collectedTests((runner) => describeConnectionStore("it", { create, runner }));
    await expect(tests.get(title)?.()).rejects.toThrow();
  });
});
