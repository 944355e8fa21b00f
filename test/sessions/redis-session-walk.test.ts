import { RedisStore } from "connect-redis";
import { AnySessionStore } from "../../lib/sessions/any-session-store.ts";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import type { SessionStore } from "../../lib/sessions/session-store.ts";
import { insert } from "../../lib/testing/session-store-suite/sessions.ts";
import { aroundCalls, connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

/** `walk` on a Redis that other programs use too. */
describe("RedisSessionStore walking", () => {
  let client: RedisClient;

  beforeAll(async () => {
    client = await connectRedis();
  });

  afterAll(() => client.destroy());

  async function walked(store: SessionStore): Promise<string[]> {
    const found: string[] = [];
    for await (const [sid] of store.walk()) found.push(sid);
    return found.sort();
  }

  it("finds those with its prefix only", async () => {
    const prefix = uniquePrefix("walk");
    const [ours, theirs] = ["ours:", "theirs:"].map((name) => storeAt(prefix + name));
    await insert(ours as SessionStore, "a", {});
    await insert(theirs as SessionStore, "b", {});
    await client.set(`${prefix}ours`, "no session");
    await client.set(`before:${prefix}ours:c`, "no session");
    expect(await walked(ours as SessionStore)).toEqual(["a"]);
    expect(await walked(theirs as SessionStore)).toEqual(["b"]);
  });

  it.each(["*", "?", "[a]", "\\"])(
    "refuses a prefix with %s in it, which Redis would take for a pattern",
    (glob) => {
      expect(() => storeAt(`${uniquePrefix("walk")}${glob}:`)).toThrow(/"prefix"/);
    },
  );

  it("skips values of any type under its prefix that are no sessions", async () => {
    const store = storeAt(uniquePrefix("walk"));
    await insert(store, "a", {});
    await client.set(`${store.prefix}text`, "no session");
    await client.set(`${store.prefix}empty`, "");
    await client.set(`${store.prefix}number`, "17");
    await client.zAdd(`${store.prefix}set`, { score: 1, value: "member" });
    await client.hSet(`${store.prefix}hash`, "field", "value");
    expect(await walked(store)).toEqual(["a"]);
    expect(await client.exists(["text", "empty", "number", "set", "hash"].map((n) => store.prefix + n))).toBe(
      5,
    );
  });

  it("finds sessions that connect-redis wrote, even through the adapter over it", async () => {
    const prefix = uniquePrefix("walk");
    const plain = new RedisStore({ client, prefix });
    const adapter = AnySessionStore.over(plain, 1_000);
    await insert(adapter, "a", { id: "an app's own" });
    await insert(adapter, "b", {});
    expect(await walked(storeAt(prefix))).toEqual(["a", "b"]);
    expect(await walked(adapter)).toEqual(["a", "b"]);
  });

  it("rejects when Redis goes away during the walk, and does not leave out what it could not read", async () => {
    const other = await connectRedis();
    const store = new RedisSessionStore({ client: other, prefix: uniquePrefix("walk") });
    // More than are read at a time.
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => insert(store, `s${n}`, {})));
    const found: string[] = [];
    await expect(
      (async () => {
        for await (const [sid] of store.walk()) {
          found.push(sid);
          other.destroy();
        }
      })(),
    ).rejects.toThrow();
    expect(found.length).toBeLessThan(1_000);
  });

  // Once, all ids were loaded before the first session was read, and then one session after the other.
  it("reads some sessions at a time, as they are found, and holds no more of them", async () => {
    let [reads, most, held] = [0, 0, 0];
    const watching = aroundCalls(client, (name, _args, run) => {
      if (name !== "get") return run();
      most = Math.max(most, ++held);
      reads++;
      return (run() as Promise<unknown>).finally(() => held--);
    });
    const store = new RedisSessionStore({ client: watching, prefix: uniquePrefix("walk") });
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => insert(store, `s${n}`, {})));
    let readBeforeFirst = 0;
    const found = new Set<string>();
    for await (const [sid] of store.walk()) {
      readBeforeFirst ||= reads;
      found.add(sid);
    }
    expect(found.size).toBe(2_000);
    expect(readBeforeFirst).toBeLessThan(1_000);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThan(1_000);
  });

  it("rejects when Redis is away from the start", async () => {
    const other = await connectRedis();
    const store = new RedisSessionStore({ client: other, prefix: uniquePrefix("walk") });
    other.destroy();
    await expect(walked(store)).rejects.toThrow();
  });

  function storeAt(prefix: string): RedisSessionStore {
    return new RedisSessionStore({ client, prefix });
  }
});
