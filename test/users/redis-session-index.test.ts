import { describeSessionIndex } from "../../lib/testing/describe-session-index.ts";
import { minuteMs, range } from "../../lib/testing/session-index-suite/index-state.ts";
import { raceLogins } from "../../lib/testing/session-index-suite/races.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

describeSessionIndex("RedisSessionIndex", {
  create: () => new RedisSessionIndex(client, uniquePrefix("index")),
});

describe("RedisSessionIndex on two nodes", () => {
  it("lets no login slip past a deletion of the user's sessions on the other node", async () => {
    const other = await connectRedis();
    try {
      const prefix = uniquePrefix("index");
      const nodes = [new RedisSessionIndex(client, prefix), new RedisSessionIndex(other, prefix)];
      for (const seed of range(100)) await raceLogins(nodes, 1_000 + seed);
    } finally {
      other.destroy();
    }
  });

  it("confirms no entry on one node that the other node has revoked", async () => {
    const other = await connectRedis();
    try {
      const prefix = uniquePrefix("index");
      const [here, there] = [new RedisSessionIndex(client, prefix), new RedisSessionIndex(other, prefix)];
      await here.enter("u", "a", minuteMs);
      expect(await there.confirm("u", "a")).toBe(true);
      expect(await there.revoke("u", undefined)).toEqual(["a"]);
      expect(await here.confirm("u", "a")).toBe(false);
    } finally {
      other.destroy();
    }
  });

  it("keeps indexes of different prefixes apart", async () => {
    const prefix = uniquePrefix("index");
    const [one, two] = [
      new RedisSessionIndex(client, `${prefix}1:`),
      new RedisSessionIndex(client, `${prefix}2:`),
    ];
    await one.enter("u", "a", minuteMs);
    expect(await two.entries("u")).toEqual([]);
    expect(await two.revoke("u", undefined)).toEqual([]);
    expect(await one.confirm("u", "a")).toBe(true);
  });
});
