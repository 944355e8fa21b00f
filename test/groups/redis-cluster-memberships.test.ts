import { RedisMemberships } from "../../lib/groups/redis-memberships.ts";
import { describeMemberships } from "../../lib/testing/describe-memberships.ts";
import { raceMemberships } from "../../lib/testing/memberships-suite/races.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, type RedisClusterClient, startRedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
let client: RedisClusterClient;

beforeAll(async () => {
  cluster = await startRedisCluster();
  client = await cluster.connect();
}, 40_000);

afterAll(async () => {
  client?.destroy();
  await cluster?.stop();
});

describeMemberships("RedisMemberships on a cluster", {
  create: () => new RedisMemberships(client, uniquePrefix("groups")),
});

describe("RedisMemberships on a cluster", () => {
  it("joining and leaving alternate in a race on two nodes, and the groups agree at the end", async () => {
    const other = await cluster.connect();
    try {
      const prefix = uniquePrefix("groups");
      const nodes = [new RedisMemberships(client, prefix), new RedisMemberships(other, prefix)];
      for (const seed of range(60)) await raceMemberships(nodes, 2_000 + seed);
    } finally {
      other.destroy();
    }
  });
});
