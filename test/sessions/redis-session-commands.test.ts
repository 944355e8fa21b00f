import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  baseOf,
  insert,
  sessionData,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { aroundCalls, connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** The Redis commands of `RedisSessionStore`, and its handling of values that are not sessions. */
describe("RedisSessionStore", () => {
  // Its own, because these tests make the server forget its scripts.
  let server: RedisServer;
  let client: RedisClient;

  beforeAll(async () => {
    server = await startRedisServer();
    client = await connectRedis(server.url);
  });

  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  /** The store, and the names of the commands that it has called on its client. */
  function watched(): { store: RedisSessionStore; calls: string[] } {
    const calls: string[] = [];
    const watching = aroundCalls(client, (name, _args, run) => {
      calls.push(name);
      return run();
    });
    return { store: new RedisSessionStore({ client: watching, prefix: uniquePrefix("commands") }), calls };
  }

  describe("sends", () => {
    it("one command for each call when nobody interfered", async () => {
      const { store, calls } = watched();
      await insert(store, "warm", {});
      calls.length = 0;
      const base = await insert(store, "a", { n: 1 });
      expect(calls.splice(0)).toEqual(["evalSha"]);
      const result = await store.write("a", snapshot({ n: 2 }), base);
      expect([result.outcome, calls.splice(0)]).toEqual(["written", ["evalSha"]]);
      await store.read("a");
      expect(calls.splice(0)).toEqual(["get"]);
      await store.refresh("a", sessionData({}));
      expect(calls.splice(0)).toEqual(["expire"]);
      await store.expiries(["a"]);
      expect(calls.splice(0)).toEqual(["pTTL"]);
      await store.remove("a", "session_ended");
      expect(calls.splice(0)).toEqual(["getDel"]);
      await store.remove("a");
      expect(calls.splice(0)).toEqual(["getDel"]);
    });

    it("one command for a write that finds the session changed, and one for a write that finds it gone", async () => {
      const { store, calls } = watched();
      const base = await insert(store, "a", { n: 1 });
      await store.write("a", snapshot({ n: 2 }), base);
      calls.length = 0;
      expect((await store.write("a", snapshot({ n: 3 }), base)).outcome).toBe("changed");
      expect(calls.splice(0)).toEqual(["evalSha"]);
      await store.remove("a", "session_ended");
      calls.length = 0;
      expect((await store.write("a", snapshot({ n: 3 }), base)).outcome).toBe("deleted");
      expect(calls).toEqual(["evalSha"]);
    });

    it("one command for all reads of a session in one turn, and gives each reader its own copy", async () => {
      const { store, calls } = watched();
      await insert(store, "a", { n: 1 });
      await insert(store, "b", { n: 2 });
      calls.length = 0;
      const sids = Array.from({ length: 64 }, () => ["a", "b", "missing"]).flat();
      const found = await Promise.all(sids.map((sid) => store.read(sid)));
      expect(calls.splice(0)).toEqual(["get", "get", "get"]);
      expect(found.map((stored) => (stored?.data as { n?: number } | undefined)?.n).slice(-3)).toEqual([
        1,
        2,
        undefined,
      ]);
      expect(new Set(found.slice(0, 3).map((stored) => stored?.data)).size).toBe(3);
      expect(found[0]?.data).not.toBe(found[3]?.data);
      await store.read("a");
      expect(calls).toEqual(["get"]);
    });

    it("a new read after each write, removal and set that the same turn has begun", async () => {
      const { store } = watched();
      const base = await insert(store, "a", { n: 1 });
      const n = async (read: ReturnType<typeof store.read>) =>
        ((await read)?.data as { n?: number } | undefined)?.n;
      const steps = [
        n(store.read("a")),
        store.write("a", snapshot({ n: 2 }), base).then(() => {}),
        n(store.read("a")),
        store.set("a", sessionData({ n: 3 })),
        n(store.read("a")),
        store.remove("a", "session_ended"),
        n(store.read("a")),
      ];
      expect((await Promise.all(steps)).filter((_, at) => at % 2 === 0)).toEqual([1, 2, 3, undefined]);
    });

    it("a new read after one that has failed", async () => {
      const { store } = watched();
      await client.lPush(`${store.prefix}a`, "no session");
      const failed = await Promise.allSettled([store.read("a"), store.read("a")]);
      expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      await client.del(`${store.prefix}a`);
      await expect(store.read("a")).resolves.toBeUndefined();
    });

    it("the whole script once to a server that has forgotten it", async () => {
      const { store, calls } = watched();
      const base = await insert(store, "a", { n: 1 });
      await client.scriptFlush();
      calls.length = 0;
      const result = await store.write("a", snapshot({ n: 2 }), base);
      expect([result.outcome, calls.splice(0)]).toEqual(["written", ["evalSha", "eval"]]);
      await assertStored(store, "a", { n: 2 });
      calls.length = 0;
      await insert(store, "b", {});
      expect(calls).toEqual(["evalSha"]);
    });

    it("the script so that only one of many concurrent writes to a forgetful server is written", async () => {
      const { store } = watched();
      const base = await insert(store, "a", {});
      await client.scriptFlush();
      const writes = Array.from({ length: 20 }, (_, n) => store.write("a", snapshot({ n }), base));
      const outcomes = (await Promise.all(writes)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === "written")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "changed")).toHaveLength(19);
    });
  });

  describe("finds unreadable, and leaves as it is,", () => {
    it.each([
      ["a JSON text that was cut off", '{"cookie":{"path":"/"},"n'],
      ["no JSON at all", "secret-text-of-another-app"],
      ["a JSON value that is no object", "17"],
      ["JSON null", "null"],
      ["an object without a cookie", '{"n":1}'],
      ["a cookie that is no object", '{"cookie":"sid=1"}'],
      ["a cookie that is null", '{"cookie":null}'],
    ])("%s", async (_, text) => {
      const { store } = watched();
      const key = `${store.prefix}a`;
      await client.set(key, text, { expiration: { type: "EX", value: 100 } });
      const unreadable = { name: "SessionStackError", code: "ERR_SESSION_UNREADABLE" };
      await expect(store.read("a")).rejects.toMatchObject(unreadable);
      await expect(store.write("a", snapshot({}), undefined)).rejects.toMatchObject(unreadable);
      await expect(store.write("a", snapshot({}), baseOf(snapshot({ n: 1 })))).rejects.toMatchObject(
        unreadable,
      );
      expect(await client.get(key)).toBe(text);
      expect(await client.ttl(key)).toBeGreaterThan(90);
    });

    it("without quoting the stored value", async () => {
      const { store } = watched();
      await client.set(`${store.prefix}a`, "secret-text");
      const error = await store.read("a").catch((reason: Error) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(`${(error as Error).stack} ${(error as Error).cause}`).not.toContain("secret-text");
    });
  });

  it("reads an empty value as no session, as connect-redis does, and inserts over it", async () => {
    const { store } = watched();
    await client.set(`${store.prefix}a`, "");
    await assertGone(store, "a");
    await insert(store, "a", { n: 1 });
    await assertStored(store, "a", { n: 1 });
  });

  it("says that a key of another type is another program's, with Redis's error as the cause, and leaves the key", async () => {
    const { store } = watched();
    await client.sAdd(`${store.prefix}a`, "member");
    const taken = {
      code: "ERR_KEY_TAKEN",
      message: expect.stringContaining("prefix"),
      cause: { message: expect.stringContaining("WRONGTYPE") },
    };
    await expect(store.read("a")).rejects.toMatchObject(taken);
    await expect(store.write("a", snapshot({}), undefined)).rejects.toMatchObject(taken);
    await expect(store.write("a", snapshot({}), baseOf(snapshot({ n: 1 })))).rejects.toMatchObject(taken);
    await expect(store.remove("a", "session_ended")).rejects.toMatchObject(taken);
    expect(await client.sMembers(`${store.prefix}a`)).toEqual(["member"]);
  });

  it("announces no ending that Redis did not confirm", async () => {
    const closed = await connectRedis(server.url);
    const store = new RedisSessionStore({ client: closed, prefix: uniquePrefix("commands") });
    const heard = announcements(store);
    closed.destroy();
    await expect(store.remove("a", "session_ended")).rejects.toThrow();
    await expect(store.destroy("a")).rejects.toThrow();
    const error = await new Promise((resolve) => store.destroy("a", resolve));
    expect(error).toBeInstanceOf(Error);
    expect(heard).toEqual([]);
  });
});
