import { minuteMs, range } from "../../lib/testing/session-index-suite/index-state.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { aroundCalls, connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** The Redis commands of `RedisSessionIndex`. */
describe("RedisSessionIndex sends", () => {
  // Its own, because these tests count its commands and make it forget its scripts.
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

  /** The index, and the names of the commands that it has called on its client. */
  function watched(): { index: RedisSessionIndex; calls: string[] } {
    const calls: string[] = [];
    const watching = aroundCalls(client, (name, _args, run) => {
      calls.push(name);
      return run();
    });
    return { index: new RedisSessionIndex(watching, uniquePrefix("commands")), calls };
  }

  /** How often the server ran each command meanwhile, also those that scripts have called. */
  async function commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    await client.configResetStat();
    await work();
    const stats = await client.info("commandstats");
    const found = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
    const own = ["config|resetstat", "info"];
    return Object.fromEntries(
      found
        .filter(([, name]) => !own.includes(name as string))
        .map(([, name, calls]) => [name, Number(calls)]),
    );
  }

  async function callAll(index: RedisSessionIndex): Promise<void> {
    await index.enter("u", "a", minuteMs);
    await index.enter("u", "b", Number.POSITIVE_INFINITY);
    await index.confirm("u", "a");
    await index.extend("u", "a", 2 * minuteMs);
    await index.entries("u");
    await index.revokeOne("u", "b");
    await index.revoke("u", "a");
    await index.remove("u", ["a", "b"]);
  }

  it("one command for each call", async () => {
    const { index, calls } = watched();
    await callAll(index);
    const asked = async (call: () => Promise<unknown>) => {
      calls.length = 0;
      await call();
      return calls.length;
    };
    expect(await asked(() => index.enter("u", "a", minuteMs))).toBe(1);
    expect(await asked(() => index.confirm("u", "a"))).toBe(1);
    expect(await asked(() => index.extend("u", "a", minuteMs))).toBe(1);
    expect(await asked(() => index.entries("u"))).toBe(1);
    expect(await asked(() => index.revokeOne("u", "b"))).toBe(1);
    expect(await asked(() => index.revoke("u", undefined))).toBe(1);
    expect(await asked(() => index.remove("u", ["a"]))).toBe(1);
    expect(await asked(() => index.remove("u", []))).toBe(0);
  });

  it("no SCAN, no KEYS and nothing else that looks at other users", async () => {
    const { index } = watched();
    const names = Object.keys(await commandsOf(() => callAll(index)));
    expect(names).toEqual(expect.arrayContaining(["zadd", "zrem"]));
    const allowed = /^(eval|evalsha|time|z\w+|pexpireat|persist)$/;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  });

  it("as many commands beside 3 000 users as beside none", async () => {
    const { index } = watched();
    await callAll(index);
    const alone = await commandsOf(() => callAll(index));
    await Promise.all(range(3_000).map((n) => index.enter(`user ${n}`, `s${n}`, minuteMs)));
    expect(await commandsOf(() => callAll(index))).toEqual(alone);
    expect(await index.confirm("user 7", "s7")).toBe(true);
  });

  it("its scripts again to a server that has forgotten them", async () => {
    const { index, calls } = watched();
    const forgetful = async (call: () => Promise<unknown>) => {
      await client.scriptFlush();
      calls.length = 0;
      const result = await call();
      expect(calls).toEqual(["evalSha", "eval"]);
      return result;
    };
    await forgetful(() => index.enter("u", "a", minuteMs));
    await forgetful(() => index.enter("u", "b", minuteMs));
    await forgetful(() => index.extend("u", "b", minuteMs));
    expect(await forgetful(() => index.revokeOne("u", "a"))).toBe(true);
    expect(await forgetful(() => index.revoke("u", undefined))).toEqual(["a", "b"]);
    expect(await index.entries("u")).toEqual([]);
  });

  it("its scripts so that no call is lost when many calls at once reach a server without scripts", async () => {
    const { index } = watched();
    await client.scriptFlush();
    const sids = range(50).map((n) => `s${n}`);
    await Promise.all(sids.map((sid) => index.enter("u", sid, minuteMs)));
    await client.scriptFlush();
    const revoked = await Promise.all(range(10).map(() => index.revoke("u", undefined)));
    for (const found of revoked) expect(found.sort()).toEqual([...sids].sort());
  });

  it("no command whose failure is swallowed", async () => {
    const closed = await connectRedis(server.url);
    const index = new RedisSessionIndex(closed, uniquePrefix("commands"));
    closed.destroy();
    await expect(index.enter("u", "a", minuteMs)).rejects.toThrow();
    await expect(index.confirm("u", "a")).rejects.toThrow();
    await expect(index.extend("u", "a", minuteMs)).rejects.toThrow();
    await expect(index.entries("u")).rejects.toThrow();
    await expect(index.revoke("u", undefined)).rejects.toThrow();
    await expect(index.revokeOne("u", "a")).rejects.toThrow();
    await expect(index.remove("u", ["a"])).rejects.toThrow();
  });
});
