import type { createCluster } from "redis";
import { RedisHistory } from "../../lib/history/redis-history.ts";
import { redisBackend } from "../../lib/redis.ts";
import { slotTag } from "../../lib/redis-client/slot-tag.ts";
import { many, readAll } from "../../lib/testing/history-suite/pages.ts";
import { oddStrings } from "../../lib/testing/tools/odd-strings.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { seededRandom } from "../support/random.ts";
import { aroundCalls, connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";

type Cluster = ReturnType<typeof createCluster>;

const names = [
  ...oddStrings,
  "group:a{b}c",
  "}{",
  "}a{b}",
  "{}{a}",
  "{a}{",
  "{{a}}",
  "%7B",
  "escaped:{a}",
  "escaped:%7Ba%7D",
  "{".repeat(1_024),
  "漢字{🦆}".repeat(170),
];

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
}, 40_000);

afterAll(() => cluster?.stop());

async function slotOf(key: string): Promise<number> {
  return Number(await cluster.masters[0]?.sendCommand(["CLUSTER", "KEYSLOT", key]));
}

describe("slotTag", () => {
  it("is the part of a key that Redis takes the slot of", async () => {
    const random = seededRandom(7);
    const parts = ["{", "}", "a", "漢", " ", ":"];
    const made = range(500).map(() =>
      range(random.int(9))
        .map(() => random.pick(parts))
        .join(""),
    );
    const keys = [...names, ...made];
    const [found, expected] = await Promise.all([
      Promise.all(keys.map((key) => slotOf(slotTag(key) ?? key))),
      Promise.all(keys.map(slotOf)),
    ]);
    expect(found).toEqual(expected);
  });

  it.each([
    ["a", undefined],
    ["{a}", "a"],
    ["{a", undefined],
    ["a}", undefined],
    ["{}a", undefined],
    ["{}{a}", undefined],
    ["}{a}", "a"],
    ["{{a}}", "{a"],
    ["x{a}{b}", "a"],
    ["", undefined],
  ])("of %j is %j", (key, tag) => {
    expect(slotTag(key)).toBe(tag);
  });
});

const clients: [string, (prefix: string) => string, object][] = [
  ["a cluster", (prefix) => prefix, {}],
  ["a cluster with a tag as prefix", (prefix) => `${prefix}{app}:`, {}],
  ["a cluster with a keyPrefix", (prefix) => prefix, { keyPrefix: "two:" }],
  ["a cluster with a tag as keyPrefix", (prefix) => prefix, { keyPrefix: "{two}:" }],
];

describe.each(clients)("The history on %s", (_, prefixOf, options: { keyPrefix?: string }) => {
  let client: Cluster;
  let keys: string[];
  let channels: string[];
  let history: RedisHistory;

  beforeAll(async () => {
    client = await cluster.connect(options);
  });

  beforeEach(() => {
    keys = [];
    channels = [];
    const watching = aroundCalls(client, (name, args, run) => {
      const [text, call] = args as [string, { keys: string[]; arguments: string[] }];
      if (name === "evalSha" || name === "eval") {
        keys.push(...call.keys.map((key) => `${options.keyPrefix ?? ""}${key}`));
        channels.push(...call.arguments.filter((each) => each.includes("bus:")));
      }
      if (name === "del") keys.push(`${options.keyPrefix ?? ""}${text}`);
      return run();
    });
    history = new RedisHistory(watching as never, prefixOf(uniquePrefix("slots")));
  });

  afterAll(() => client?.destroy());

  it("has all keys of a channel in the slot of the channel, whatever its name", async () => {
    for (const name of names) {
      keys = [];
      channels = [];
      await history.append(name, "m1", many);
      await history.enter(name, "u", 60);
      await history.positions([name]);
      await history.renew(name, "");
      expect((await readAll(history, name, { reader: "u" })).enteredAfter).toBe(1);
      await history.forget(name);
      const [channel] = new Set(channels);
      const kinds = [...new Set(keys)].map((key) => key.slice(key.lastIndexOf(":")));
      expect(kinds.sort()).toEqual([":at", ":entered", ":kept"]);
      const slots = await Promise.all([channel as string, ...keys].map(slotOf));
      expect([name, new Set(slots).size]).toEqual([name, 1]);
    }
  });
});

describe("redisBackend", () => {
  let client: Cluster;

  beforeAll(async () => {
    client = await cluster.connect();
  });

  afterAll(() => client?.destroy());

  it.each(["{", "}", "a{", "a}", "{}", "{}a{b}", "}a{"])(
    "refuses the prefix %j on a cluster, and says what is right",
    (prefix) => {
      expect(() => redisBackend({ client: client as never, prefix })).toThrow(
        /^redisBackend: option "prefix" must have a prefix without braces, or .* as "\{app\}:", on a cluster/,
      );
    },
  );

  it.each(["", "app:", "{app}", "{app}:", "a{b}c{", "}{a}"])("takes the prefix %j on a cluster", (prefix) => {
    expect(() => redisBackend({ client: client as never, prefix })).not.toThrow();
  });

  it("refuses a client with such a keyPrefix", async () => {
    const odd = await cluster.connect({ keyPrefix: "a}" });
    expect(() => redisBackend({ client: odd as never, prefix: "app:" })).toThrow(
      /^redisBackend: option "client" must have a keyPrefix without braces/,
    );
    odd.destroy();
  });

  it("takes any prefix on a single server", async () => {
    const single = await connectRedis();
    for (const prefix of ["{", "}", "{}"])
      expect(() => redisBackend({ client: single as never, prefix })).not.toThrow();
    single.destroy();
  });
});
