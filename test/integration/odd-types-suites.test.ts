import { createClient } from "redis";
import { RedisBus } from "../../lib/bus/redis-bus.ts";
import { RedisConnectionStore } from "../../lib/connections/redis-connection-store.ts";
import { RedisRegistry } from "../../lib/connections/redis-registry.ts";
import { RedisMemberships } from "../../lib/groups/redis-memberships.ts";
import { RedisHistory } from "../../lib/history/redis-history.ts";
import type { RedisClient } from "../../lib/redis-client/redis-client.ts";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import { describeBus } from "../../lib/testing/describe-bus.ts";
import { describeConnectionStore } from "../../lib/testing/describe-connection-store.ts";
import { describeHistory } from "../../lib/testing/describe-history.ts";
import { describeMemberships } from "../../lib/testing/describe-memberships.ts";
import { describeRegistry } from "../../lib/testing/describe-registry.ts";
import { describeSessionIndex } from "../../lib/testing/describe-session-index.ts";
import { describeSessionStore } from "../../lib/testing/describe-session-store.ts";
import { RedisSessionIndex } from "../../lib/users/session-index/redis-session-index.ts";
import { oddTypes } from "../support/odd-types.ts";
import { connectRedis, resp, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

/*
 * Once, over a client with `typeMapping` to Buffers, ids were Buffers, so no node, connection or group was found by
 * them. With `asap`, the commands of one turn were sent in reverse order.
 */

// A server of its own, because the suite of the bus cuts lines.
let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

const clients: [string, () => Promise<RedisClient & { destroy(): void }>][] = [
  [
    "commandOptions and RESP 3",
    () =>
      connectRedis(server.url, { commandOptions: { typeMapping: oddTypes, asap: true, timeout: 20_000 } }),
  ],
  [
    "withTypeMapping and RESP 2",
    async () => {
      const client = createClient({ url: server.url, ...resp(2) });
      client.on("error", () => {});
      await client.connect();
      return client.withTypeMapping(oddTypes);
    },
  ],
];

describe.each(clients)("over a client that maps types by %s,", (_, connect) => {
  let client: RedisClient & { destroy(): void };

  beforeAll(async () => {
    client = await connect();
  });

  afterAll(() => client.destroy());

  describeSessionStore("RedisSessionStore", {
    create: () => new RedisSessionStore({ client, prefix: uniquePrefix("types") }),
  });
  describeSessionIndex("RedisSessionIndex", {
    create: () => new RedisSessionIndex(client, uniquePrefix("types")),
  });
  describeRegistry("RedisRegistry", { create: () => new RedisRegistry(client, uniquePrefix("types")) });
  describeMemberships("RedisMemberships", {
    create: () => new RedisMemberships(client, uniquePrefix("types")),
  });
  describeHistory("RedisHistory", {
    create: () => {
      const prefix = uniquePrefix("types");
      const node = () => ({ bus: new RedisBus(client, prefix), history: new RedisHistory(client, prefix) });
      return { nodes: [node(), node()] };
    },
    deviations: { loss: "others share the server" },
  });
  describeConnectionStore("RedisConnectionStore", {
    create: (options) => new RedisConnectionStore(client, uniquePrefix("types"), options),
  });
  describeBus("RedisBus", {
    create: () => {
      const prefix = uniquePrefix("types");
      const node = () => new RedisBus(client, prefix);
      const cutLines = async () => {
        const admin = await connectRedis(server.url);
        await admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
        admin.destroy();
      };
      return { buses: [node(), node(), node()], cutLines };
    },
  });
});
