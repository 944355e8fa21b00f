import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { RedisHistory } from "../../lib/history/redis-history.ts";
import { inbox, untilHeard } from "../../lib/testing/bus-suite/bus-inbox.ts";
import { appendAll, assertNamed, many, named, readAll } from "../../lib/testing/history-suite/pages.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { eventually } from "../support/eventually.ts";
import { aroundCalls, connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

const daysMs = 86_400_000;

// Its own, because these tests count its commands and make it forget its scripts.
let server: RedisServer;
let client: RedisClient;
let prefix: string;
let history: RedisHistory;

beforeAll(async () => {
  server = await startRedisServer();
  client = await connectRedis(server.url);
});

afterAll(async () => {
  client.destroy();
  await server.stop();
});

beforeEach(() => {
  prefix = uniquePrefix("history");
  history = new RedisHistory(client, prefix);
});

const keyOf = (channel: string, kind: string) => `${prefix}history:{${prefix}bus:${channel}}:${kind}`;

/** How often the server ran each command meanwhile, also those that scripts have called. */
async function commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await client.configResetStat();
  await work();
  const stats = await client.info("commandstats");
  const found = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  return Object.fromEntries(
    found.filter(([, name]) => name !== "config|resetstat").map(([, name, calls]) => [name, Number(calls)]),
  );
}

describe("RedisHistory sends", () => {
  /** The names of the commands that a call sends. */
  async function sent(call: (watched: RedisHistory) => Promise<unknown>): Promise<string[]> {
    const calls: string[] = [];
    const watching = aroundCalls(client, (name, _args, run) => {
      calls.push(name);
      return run();
    });
    const watched = new RedisHistory(watching, prefix);
    // The first call of a client asks for its database, and the server for the text of the script.
    await call(watched);
    calls.length = 0;
    await call(watched);
    return calls;
  }

  it("one command for each call", async () => {
    expect(await sent((each) => each.append("a", "m", many))).toEqual(["evalSha"]);
    expect(await sent((each) => readAll(each, "a", { reader: "u" }))).toEqual(["evalSha"]);
    expect(await sent((each) => each.enter("a", "u", 60))).toEqual(["evalSha"]);
    expect(await sent((each) => each.renew("a", "x"))).toEqual(["evalSha"]);
    expect(await sent((each) => each.forget("a"))).toEqual(["del"]);
    expect(await sent((each) => each.positions(["a"]))).toEqual(["evalSha"]);
  });

  it("one command for the positions of 500 channels, and all others in the same turn", async () => {
    const channels = range(1_200).map((n) => `c${n}`);
    expect(await sent((each) => each.positions(channels.slice(0, 500)))).toEqual(["evalSha"]);
    expect(await sent((each) => each.positions(channels))).toEqual(["evalSha", "evalSha", "evalSha"]);
    expect(await sent((each) => each.positions([]))).toEqual([]);
  });

  it("no SCAN, no KEYS, and a few cheap commands in each script", async () => {
    await appendAll(history, "a", named(1, 3));
    const limits = { maxMessages: 3, maxAgeSeconds: 60 };
    const { info: _, ...appending } = await commandsOf(() => history.append("a", "m4", limits));
    expect(appending).toEqual({
      ...{ evalsha: 1, hmget: 1, hincrby: 1, pexpire: 2, rpush: 1, time: 1, lindex: 1, ltrim: 1, publish: 1 },
    });
    const { info: __, ...looking } = await commandsOf(() => history.positions(["a"]));
    expect(looking).toEqual({ evalsha: 1, hmget: 1, pttl: 1 });
  });

  it("no read of more messages than asked for, however many are kept", async () => {
    await Promise.all(named(1, 2_000).map((message) => history.append("a", message, many)));
    const reading = (limits: object) => commandsOf(() => readAll(history, "a", limits));
    expect(await reading({ limit: 10 })).toMatchObject({ lrange: 1 });
    expect(await reading({ limit: 25, from: "newest" })).toMatchObject({ lrange: 3 });
    expect(await reading({ maxBytes: 60, from: "newest" })).toMatchObject({ lrange: 2 });
    // The old ones are found by halving.
    await client.lSet(keyOf("a", "kept"), 0, "1000 m1");
    const { lindex } = await reading({ limit: 10 });
    expect(lindex).toBeLessThan(20);
  });

  it("to a server that has forgotten its scripts, too", async () => {
    const calls = [
      () => history.append("a", "m", many),
      () => readAll(history, "a"),
      () => history.enter("a", "u", 60),
      () => history.positions(["a"]),
      () => history.renew("a", "x"),
    ];
    for (const call of calls) {
      await client.scriptFlush();
      await call();
    }
    expect((await history.positions(["a"]))[0]?.offset).toBe(1);
  });
});

describe("The keys of RedisHistory", () => {
  it("are three for a channel, and all of them expire", async () => {
    await appendAll(history, "a", named(1, 3), { maxMessages: 10, maxAgeSeconds: 60 });
    await history.enter("a", "u", 60);
    const keys = ["at", "entered", "kept"].map((kind) => keyOf("a", kind));
    expect((await client.keys(`${prefix}*`)).sort()).toEqual(keys);
    const [at, entered, kept] = await Promise.all(keys.map((key) => client.pTTL(key)));
    expect(at).toBeGreaterThan(29.9 * daysMs);
    expect(at).toBeLessThanOrEqual(30 * daysMs);
    for (const left of [entered, kept]) {
      expect(left).toBeGreaterThan(50_000);
      expect(left).toBeLessThanOrEqual(60_000);
    }
  });

  it("of a channel without messages are one, which a look keeps for 30 days", async () => {
    await history.positions(["a"]);
    expect(await client.keys(`${prefix}*`)).toEqual([keyOf("a", "at")]);
    for (const [left, atLeast] of [
      [20, 19.9],
      [14, 29.9],
      [0.1, 29.9],
    ] as const) {
      await client.pExpire(keyOf("a", "at"), left * daysMs);
      await history.positions(["a"]);
      const now = await client.pTTL(keyOf("a", "at"));
      expect(now).toBeGreaterThan(atLeast * daysMs);
      expect(now).toBeLessThanOrEqual(Math.max(left, 30) * daysMs);
    }
    await client.pExpire(keyOf("a", "at"), daysMs);
    await history.append("a", "m", many);
    expect(await client.pTTL(keyOf("a", "at"))).toBeGreaterThan(29.9 * daysMs);
  });

  it("keep the position at least as long as the messages", async () => {
    const limits = { maxMessages: 10, maxAgeSeconds: (90 * daysMs) / 1000 };
    await history.append("a", "m1", limits);
    await history.positions(["a"]);
    expect(await client.pTTL(keyOf("a", "at"))).toBeGreaterThan(89.9 * daysMs);
  });

  it("hold no messages once they are forgotten or too old", async () => {
    const limits = { maxMessages: 10, maxAgeSeconds: 1 };
    await appendAll(history, "a", named(1, 3), limits);
    await appendAll(history, "b", named(1, 3));
    await history.forget("b");
    expect(await client.exists(keyOf("b", "kept"))).toBe(0);
    await eventually(async () => expect(await client.exists(keyOf("a", "kept"))).toBe(0));
    expect(await client.exists(keyOf("a", "at"))).toBe(1);
  });

  it("take any limits", async () => {
    const endless = { maxMessages: Number.POSITIVE_INFINITY, maxAgeSeconds: Number.POSITIVE_INFINITY };
    await appendAll(history, "a", named(1, 3), endless);
    await history.enter("a", "u", Number.POSITIVE_INFINITY);
    await appendAll(history, "a", named(4, 5), { maxMessages: 10, maxAgeSeconds: 59.9999 });
    assertNamed(await readAll(history, "a", endless), 1, 5);
  });

  it("that are partly gone, as after an eviction, show nothing wrong", async () => {
    const epoch = await appendAll(history, "a", named(1, 5));
    await history.enter("a", "u", 60);
    await client.del(keyOf("a", "at"));
    const page = await readAll(history, "a", { reader: "u" });
    expect(page).toMatchObject({ messages: [], enteredAfter: 0, position: { offset: 0 } });
    expect(page.position.epoch).not.toBe(epoch);
    await appendAll(history, "a", named(1, 2));
    assertNamed(await readAll(history, "a", { reader: "u" }), 1, 2);
    await client.del(keyOf("a", "kept"));
    await appendAll(history, "a", named(3, 3));
    assertNamed(await readAll(history, "a", { reader: "u" }), 3, 3);
  });

  it("of another program are told from a failing Redis", async () => {
    await client.set(keyOf("a", "at"), "a text");
    const taken = { code: "ERR_KEY_TAKEN" };
    await expect(history.append("a", "m", many)).rejects.toMatchObject(taken);
    await expect(readAll(history, "a")).rejects.toMatchObject(taken);
    await expect(history.positions(["a"])).rejects.toMatchObject(taken);
    expect(await client.get(keyOf("a", "at"))).toBe("a text");
  });

  it("and channels are those of one prefix, so that an ACL can allow no others", async () => {
    const allowed = ["on", ">pw", `~${prefix}*`, `&${prefix}*`, "+@all", "-@dangerous"];
    await client.sendCommand(["ACL", "SETUSER", "app", ...allowed]);
    const limited = await connectRedis(server.url, { username: "app", password: "pw" });
    const bus = new RedisBus(limited, prefix);
    try {
      const own = new RedisHistory(limited, prefix);
      const heard = await inbox(bus, "a");
      const { epoch } = await own.append("a", "m1", many);
      await untilHeard(heard, [`kept ${epoch} 1\nm1`]);
      await own.enter("a", "u", 60);
      assertNamed(await readAll(own, "a"), 1, 1);
      await own.forget("a");
    } finally {
      await bus.close();
      limited.destroy();
    }
  });
});
