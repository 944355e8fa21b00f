import { RedisConnectionStore } from "../../lib/connections/redis-connection-store.ts";
import { RedisRegistry } from "../../lib/connections/redis-registry.ts";
import { describeConnectionStore } from "../../lib/testing/describe-connection-store.ts";
import { describeRegistry } from "../../lib/testing/describe-registry.ts";
import { raceConnections } from "../../lib/testing/registry-suite/races.ts";
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

describeRegistry("RedisRegistry on a cluster", {
  create: () => new RedisRegistry(client, uniquePrefix("registry")),
});

describeConnectionStore("RedisConnectionStore on a cluster", {
  create: (options) => new RedisConnectionStore(client, uniquePrefix("data"), options),
});

describe("RedisRegistry on a cluster", () => {
  it.each([false, true])(
    "users come online and go offline alternately while connections race on two nodes, with graces: %p",
    async (withGrace) => {
      const other = await cluster.connect();
      try {
        const prefix = uniquePrefix("registry");
        const nodes = [new RedisRegistry(client, prefix), new RedisRegistry(other, prefix)];
        for (const seed of range(40)) await raceConnections(nodes, 2_000 + seed, { withGrace });
      } finally {
        other.destroy();
      }
    },
  );
});
