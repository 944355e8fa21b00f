import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { RedisHistory } from "../../lib/history/redis-history.ts";
import { describeHistory } from "../../lib/testing/describe-history.ts";
import { connectRedis, type RedisClient, resp, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

// Its own, because these tests empty it.
let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

describe.each([[2], [3]] as const)("Over RESP %i,", (version) => {
  let clients: RedisClient[];

  beforeAll(async () => {
    clients = [await connectRedis(server.url, resp(version)), await connectRedis(server.url, resp(version))];
  });

  afterAll(() => {
    for (const client of clients) client.destroy();
  });

  describeHistory("RedisHistory", {
    create: () => {
      const prefix = uniquePrefix("history");
      const node = (at: number) => {
        const client = clients[at] as RedisClient;
        return { bus: new RedisBus(client, prefix), history: new RedisHistory(client, prefix) };
      };
      return { nodes: [node(0), node(1)], lose: async () => void (await clients[0]?.flushAll()) };
    },
  });
});
