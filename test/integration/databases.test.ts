import { redisBackend } from "../../lib/redis.ts";
import type { RedisClient } from "../../lib/redis-client/redis-client.ts";
import { eventually } from "../support/eventually.ts";
import { oddTypes } from "../support/odd-types.ts";
import { connectRedis, resp, uniquePrefix } from "../support/redis-client.ts";
import { type RedisSentinel, startRedisSentinel } from "../support/redis-sentinel.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type RealtimeApp, startRealtimeApp } from "./realtime-app.ts";
import type { RealtimeLine } from "./realtime-line.ts";
import { Users } from "./realtime-nodes.ts";

/*
 * Two apps with the same prefix, users and groups on two databases of one Redis. Once, each received the messages to
 * the other's users and groups, and reported the other's users as online.
 */

type Connected = RedisClient & { destroy(): unknown };

/** One app: two nodes on one database, and their users. */
class App {
  readonly nodes: RealtimeApp[] = [];
  readonly users: Users = new Users(this.nodes);
  readonly #clients: Connected[] = [];

  async start(connect: () => Promise<Connected>, prefix: string): Promise<this> {
    for (const client of [await connect(), await connect()]) {
      this.#clients.push(client);
      const backend = redisBackend({ client, prefix });
      this.nodes.push(
        await startRealtimeApp({ backend, graceMs: 0, timeoutMs: 10_000, ackTimeoutMs: 5_000 }),
      );
    }
    return this;
  }

  node(at: number): RealtimeApp {
    return this.nodes[at] as RealtimeApp;
  }

  /** The online and offline events of both nodes, sorted by user. */
  get presence(): string[] {
    const told = this.nodes.flatMap((node) => node.told);
    return told
      .filter(({ event }) => event === "online" || event === "offline")
      .map(({ event, userId }) => `${userId} ${event}`)
      .sort();
  }

  get errors(): unknown[] {
    return this.nodes.flatMap((node) => node.told).filter(({ event }) => event === "error");
  }

  async close(): Promise<void> {
    await this.users.close();
    for (const node of this.nodes) {
      await node.close();
      await node.backend.close();
    }
    for (const client of this.#clients) client.destroy();
  }
}

let server: RedisServer;
let sentinel: RedisSentinel;
let apps: App[] = [];

beforeAll(async () => {
  [server, sentinel] = await Promise.all([startRedisServer(), startRedisSentinel()]);
}, 40_000);

afterAll(async () => {
  await Promise.all([server?.stop(), sentinel?.stop()]);
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

const mapped = { commandOptions: { typeMapping: oddTypes } };

const places: [string, (database: number) => Promise<Connected>][] = [
  ["of one Redis", (database) => connectRedis(server.url, { database })],
  [
    "of one Redis, by clients that map types, with RESP 2",
    (database) => connectRedis(server.url, { database, ...mapped, ...resp(2) }),
  ],
  [
    "behind a sentinel, by clients that map types",
    (database) => sentinel.connect({ nodeClientOptions: { database }, ...mapped }),
  ],
];

describe.each(places)("two apps on two databases %s", (_, connect) => {
  it("share no messages, presence, nodes or endings, and each works on both of its nodes", async () => {
    const prefix = uniquePrefix("apps");
    apps = [new App(), new App()];
    const [here, there] = apps as [App, App];
    await Promise.all(apps.map((app, database) => app.start(() => connect(database), prefix)));

    const lines = new Map<App, RealtimeLine>();
    for (const app of apps) {
      lines.set(app, await app.users.connect("ada", 0));
      await app.node(1).control.join("ada", "red");
      expect((await app.node(0).backend.bus.liveNodes()).sort()).toEqual(
        app.nodes.map(({ backend }) => backend.node.id).sort(),
      );
    }
    await here.users.connect("bea", 1);
    await here.node(0).control.join("bea", "red");

    for (const [app, from] of [
      [here, "here"],
      [there, "there"],
    ] as const) {
      await app.node(1).control.sendToUser("ada", { from: `${from}, to the user` });
      await app.node(1).control.sendToGroup("red", { from: `${from}, to the group` });
    }
    for (const [app, from] of [
      [here, "here"],
      [there, "there"],
    ] as const) {
      // One message on each channel: a message of the other app would have arrived before it.
      await app.node(1).control.sendToUser("ada", { from: "end" });
      await app.node(1).control.sendToGroup("red", { from: "end" });
      const { messages } = lines.get(app) as RealtimeLine;
      await eventually(() => expect(messages.filter((message) => message.from === "end")).toHaveLength(2));
      expect(messages.map((message) => message.from).sort()).toEqual([
        "end",
        "end",
        `${from}, to the group`,
        `${from}, to the user`,
      ]);
    }
    expect(await there.node(1).control.presence("red")).toEqual(["ada"]);

    const receipt = await here.node(1).users.deleteUserSessions("ada");
    expect(receipt).toEqual({ sessionsDeleted: 1, connectionsClosed: 1, silentNodes: [] });
    await lines.get(here)?.inbox.untilClosed();
    await eventually(() => expect(here.presence).toEqual(["ada offline", "ada online", "bea online"]));
    // It takes the same way as the message of the other app, and later.
    await there.node(1).control.sendToUser("ada", { from: "still here" });
    await eventually(() => expect(lines.get(there)?.messages.at(-1)).toEqual({ from: "still here" }));
    await there.users.connect("cleo", 1);
    await eventually(() => expect(there.presence).toEqual(["ada online", "cleo online"]));
    expect(apps.map(({ errors }) => errors)).toEqual([[], []]);
  });
});
