import { AsyncLocalStorage } from "node:async_hooks";
import { closed } from "../support/browser.ts";
import { aroundCalls, connectRedis, type RedisClient } from "../support/redis-client.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { afterThisTest, indexed, me, places, redisPlace, serve, sidOf, signIn } from "./support.ts";

/** The Redis commands of the backend. */
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

/** A Redis that fails or does not answer after this number of commands of one call. */
class Fault {
  readonly #how: "fails" | "hangs";
  /** Of the call alone: what runs beside it by the clock, such as the renewal of a lease, is not counted. */
  readonly #attack = new AsyncLocalStorage<{ left: number; isMet: boolean }>();

  constructor(how: "fails" | "hangs") {
    this.#how = how;
  }

  /** What the call resolves to or rejects with, and whether it has met the fault. */
  async after(commands: number, call: () => Promise<unknown>): Promise<{ outcome: unknown; isMet: boolean }> {
    const attack = { left: commands, isMet: false };
    const outcome = await this.#attack.run(attack, call).catch((error: unknown) => error);
    return { outcome, isMet: attack.isMet };
  }

  before(client: RedisClient): RedisClient {
    return aroundCalls(client, (name, _args, run) => {
      const attack = this.#attack.getStore();
      if (!attack || !COMMANDS.includes(name) || attack.left-- > 0) return run();
      attack.isMet = true;
      return this.#how === "fails" ? Promise.reject(new Error("READONLY")) : new Promise(() => {});
    });
  }
}

test.each(["fails", "hangs"] as const)(
  "deleteUserSessions rejects when Redis %s at any step, and another call finishes the work",
  async (how) => {
    const fault = new Fault(how);
    const { backend, keys } = await redisPlace({}, (client) => fault.before(client));
    const healthy = await serve({ backend });
    const hasty = await serve({ backend, session: { timeoutMs: 400 }, users: { ackTimeoutMs: 50 } });
    let [rejected, late] = [0, 0];
    for (let isDone = false; !isDone; ) {
      const browsers = [await signIn(healthy), await signIn(healthy), await signIn(healthy)];
      const connections = await Promise.all(browsers.map((browser) => browser.webSocket("/ws")));
      const other = await signIn(healthy, "grace");
      const { outcome, isMet } = await fault.after(rejected, () => hasty.users.deleteUserSessions("ada"));
      isDone = !(outcome instanceof Error);
      if (isDone) {
        expect(isMet).toBe(false);
        expect(outcome).toMatchObject({ sessionsDeleted: 3 });
      } else {
        expect(outcome).toMatchObject({ name: "SessionStackError", code: "ERR_STORE_UNAVAILABLE" });
        if (isMet) rejected++;
        // Redis answered, but later than the call may take, so this round does not count.
        else expect(++late).toBeLessThan(10);
        await healthy.users.deleteUserSessions("ada");
      }
      for (const browser of browsers) expect(await me(browser)).toEqual({});
      for (const ws of connections) expect((await closed(ws)).code).toBe(4501);
      expect(await me(other)).toMatchObject({ login: { userId: "grace" } });
      expect(await healthy.users.listUserSessions("ada")).toEqual([]);
      expect(await keys()).not.toContain("session-stack:user:ada:sessions");
    }
    // It revokes, deletes three sessions, looks for nodes, and clears the index.
    expect(rejected).toBeGreaterThanOrEqual(6);
  },
  60_000,
);

test("while Redis does not answer, every call rejects in time, and works once Redis is back", async () => {
  const redis = await startRedisServer();
  afterThisTest(() => redis.stop());
  const client = await connectRedis(redis.url);
  afterThisTest(() => client.destroy());
  const { backend } = await redisPlace({}, () => client);
  const healthy = await serve({ backend });
  const hasty = await serve({ backend, session: { timeoutMs: 200 }, users: { ackTimeoutMs: 100 } });
  const browser = await signIn(healthy);
  const { deleteUserSession, deleteUserSessions, listUserSessions, verifyUserSessions } = hasty.users;
  redis.pause();
  const outcomes = await Promise.allSettled([
    deleteUserSessions("ada"),
    deleteUserSession("ada", sidOf(browser)),
    listUserSessions("ada"),
    verifyUserSessions("ada"),
  ]);
  const reason = { code: "ERR_STORE_UNAVAILABLE", message: expect.stringContaining("200 ms") };
  expect(outcomes).toMatchObject(outcomes.map(() => ({ status: "rejected", reason })));
  expect((await hasty.browser().post("/login", { json: { user: "ada" } })).status).toBe(503);
  redis.resume();
  await healthy.users.deleteUserSessions("ada");
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
