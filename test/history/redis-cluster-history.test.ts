import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { RedisHistory } from "../../lib/history/redis-history.ts";
import { describeHistory } from "../../lib/testing/describe-history.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, type RedisClusterClient, startRedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
let clients: RedisClusterClient[];

beforeAll(async () => {
  cluster = await startRedisCluster();
  clients = [await cluster.connect(), await cluster.connect()];
}, 40_000);

afterAll(async () => {
  for (const client of clients ?? []) client.destroy();
  await cluster?.stop();
});

const prefixes: [string, () => string][] = [
  ["", () => uniquePrefix("history")],
  [", with all keys in one slot", () => `{${uniquePrefix("history")}}`],
];

describe.each(prefixes)("On a cluster%s,", (_, prefixOf) => {
  describeHistory("RedisHistory", {
    create: () => {
      const prefix = prefixOf();
      const node = (at: number) => {
        const client = clients[at] as RedisClusterClient;
        return { bus: new RedisBus(client, prefix), history: new RedisHistory(client, prefix) };
      };
      const lose = async () => void (await Promise.all(cluster.masters.map((master) => master.flushAll())));
      return { nodes: [node(0), node(1)], lose };
    },
  });
});
