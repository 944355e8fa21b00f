import { RedisRegistry } from "../../lib/connections/redis-registry.ts";
import { describeRegistry } from "../../lib/testing/describe-registry.ts";
import { raceConnections } from "../../lib/testing/registry-suite/races.ts";
import { arrive, recordOf } from "../../lib/testing/registry-suite/records.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";

let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

describeRegistry("RedisRegistry", {
  create: () => new RedisRegistry(client, uniquePrefix("registry")),
});

describe("RedisRegistry on two nodes", () => {
  it.each([false, true])(
    "users come online and go offline alternately while connections race, with graces: %p",
    async (withGrace) => {
      const other = await connectRedis();
      try {
        const prefix = uniquePrefix("registry");
        const nodes = [new RedisRegistry(client, prefix), new RedisRegistry(other, prefix)];
        for (const seed of range(60)) await raceConnections(nodes, 1_000 + seed, { withGrace });
      } finally {
        other.destroy();
      }
    },
  );

  it("lists a node without connections again after the node has called saw", async () => {
    const other = await connectRedis();
    try {
      const prefix = uniquePrefix("registry");
      const [here, there] = [new RedisRegistry(client, prefix), new RedisRegistry(other, prefix)];
      const record = recordOf("u", 1);
      await arrive(here, record);
      await here.depart(record, 0);
      await here.forget("n1", [record.id]);
      expect(await there.ofNode("n1", 10)).toEqual([]);
      expect(await there.nodes()).toEqual([]);
      await arrive(here, record);
      await here.saw([{ record, agoMs: 0 }]);
      expect(await there.nodes()).toEqual(["n1"]);
      expect(await there.ofNode("n1", 10)).toEqual([record]);
    } finally {
      other.destroy();
    }
  });

  it("separates registries by prefix", async () => {
    const prefix = uniquePrefix("registry");
    const [one, two] = [new RedisRegistry(client, `${prefix}1:`), new RedisRegistry(client, `${prefix}2:`)];
    await arrive(one, recordOf("u", 1));
    expect(await two.ofUser("u")).toEqual([]);
    expect(await two.nodes()).toEqual([]);
    expect(await arrive(two, recordOf("u", 1))).toBe("first");
  });
});

describe("RedisRegistry", () => {
  it("leaves nothing in Redis after all connections have departed and were forgotten", async () => {
    const prefix = uniquePrefix("registry");
    const registry = new RedisRegistry(client, prefix);
    for (const count of range(6)) await arrive(registry, recordOf(`user ${count % 2}`, count));
    for (const count of range(6)) {
      const record = recordOf(`user ${count % 2}`, count);
      await registry.depart(record, 0);
      await registry.forget("n1", [record.id]);
    }
    expect(await registry.ofNode("n1", 10)).toEqual([]);
    expect(await client.keys(`${prefix}*`)).toEqual([]);
  });

  it("registers connections on a server that has forgotten its scripts", async () => {
    // A server of its own. Other tests count their commands, and a command with an unknown script is sent twice.
    const server = await startRedisServer();
    const forgetful = await connectRedis(server.url);
    try {
      const registry = new RedisRegistry(forgetful, uniquePrefix("registry"));
      await forgetful.scriptFlush();
      expect(await arrive(registry, recordOf("u", 1))).toBe("first");
      await forgetful.scriptFlush();
      expect(await registry.depart(recordOf("u", 1), 0)).toEqual({ state: "offline" });
    } finally {
      forgetful.destroy();
      await server.stop();
    }
  });
});
