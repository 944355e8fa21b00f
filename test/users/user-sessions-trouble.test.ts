import { closed } from "../support/browser.ts";
import { aroundCalls, connectRedis, type RedisClient } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { afterThisTest, indexed, me, places, redisPlace, serve, sidOf, signIn } from "./support.ts";

/** What the backend sends to Redis. */
const COMMANDS = [
  "get",
  "getDel",
  "expire",
  "pTTL",
  "zRem",
  "zScore",
  "zRangeWithScores",
  "publish",
  "evalSha",
];

/** Redis that fails, or does not answer, once so many commands have passed. */
class Fault {
  failed = false;
  #left = Number.POSITIVE_INFINITY;
  readonly #how: "fails" | "hangs";

  constructor(how: "fails" | "hangs") {
    this.#how = how;
  }

  after(commands: number): void {
    this.failed = false;
    this.#left = commands;
  }

  heal(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }

  before(client: RedisClient): RedisClient {
    return aroundCalls(client, (name, _args, run) => {
      if (!COMMANDS.includes(name) || this.#left-- > 0) return run();
      this.failed = true;
      return this.#how === "fails" ? Promise.reject(new Error("READONLY")) : new Promise(() => {});
    });
  }
}

test.each(["fails", "hangs"] as const)(
  "deleteUserSessions rejects when Redis %s halfway, wherever that is, and calling again finishes the work",
  async (how) => {
    const fault = new Fault(how);
    // A lease that is not renewed while commands are counted.
    const { backend, keys } = await redisPlace({ leaseMs: 60_000 }, (client) => fault.before(client));
    const served = await serve({ backend, session: { timeoutMs: 400 }, users: { ackTimeoutMs: 50 } });
    let rejected = 0;
    for (;;) {
      const browsers = [await signIn(served), await signIn(served), await signIn(served)];
      const connections = await Promise.all(browsers.map((browser) => browser.webSocket("/ws")));
      const other = await signIn(served, "grace");
      fault.after(rejected);
      const outcome = await served.users.deleteUserSessions("ada").catch((error) => error);
      fault.heal();
      if (fault.failed) {
        expect(outcome).toMatchObject({ name: "SessionStackError", code: "ERR_STORE_UNAVAILABLE" });
        rejected++;
        await served.users.deleteUserSessions("ada");
      }
      for (const browser of browsers) expect(await me(browser)).toEqual({});
      for (const ws of connections) expect((await closed(ws)).code).toBe(4501);
      expect(await me(other)).toMatchObject({ login: { userId: "grace" } });
      expect(await served.users.listUserSessions("ada")).toEqual([]);
      expect(await keys()).not.toContain("user:ada:sessions");
      if (!fault.failed) break;
    }
    // It revokes, deletes three sessions, looks for nodes, and clears the index.
    expect(rejected).toBeGreaterThanOrEqual(6);
  },
);

test("while Redis does not answer, all of it rejects in time, and works once Redis is back", async () => {
  const redis = await startRedisServer();
  afterThisTest(() => redis.stop());
  const client = await connectRedis(redis.url);
  afterThisTest(() => client.destroy());
  const { backend } = await redisPlace({}, () => client);
  const served = await serve({ backend, session: { timeoutMs: 200 }, users: { ackTimeoutMs: 100 } });
  const browser = await signIn(served);
  const { deleteUserSession, deleteUserSessions, listUserSessions, verifyUserSessions } = served.users;
  redis.pause();
  const calls = [
    deleteUserSessions("ada"),
    deleteUserSession("ada", sidOf(browser)),
    listUserSessions("ada"),
    verifyUserSessions("ada"),
  ];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
  expect((await served.browser().post("/login", { json: { user: "ada" } })).status).toBe(503);
  redis.resume();
  await deleteUserSessions("ada");
  expect(await me(browser)).toEqual({});
  expect(await indexed(backend, "ada")).toEqual([]);
});

describe.each(places)("a login on $place whose entry cannot be made", ({ open }) => {
  test("fails, stores nothing with the user, and sets no cookie that opens anything", async () => {
    const backend = await open();
    const served = await serve({ backend });
    backend.sessionIndex.enter = () => Promise.reject(new Error("no"));
    const browser = served.browser();
    expect((await browser.post("/login", { json: { user: "ada" } })).status).toBe(503);
    for await (const [, stored] of backend.sessions.walk()) expect(stored.login).toBeUndefined();
    Reflect.deleteProperty(backend.sessionIndex, "enter");
    expect(await me(browser)).toEqual({});
    expect(served.events).toEqual([]);
  });
});
