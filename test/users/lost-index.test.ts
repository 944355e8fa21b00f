import type { Backend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { closed } from "../support/browser.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { closedAfterThisTest, me, type Served, serve, sidOf, signIn } from "./support.ts";

const ended = { code: 4501, reason: "session_ended" };

// Once, the receipt was empty, and the connections stayed open for up to 30 s and received the user's messages.
describe("deleteUserSessions, when Redis has lost the entries of a user,", () => {
  let server: RedisServer;
  let client: RedisClient;
  let prefix: string;
  let here: Served;
  let there: Served;
  let backends: Backend[];

  beforeEach(async () => {
    server = await startRedisServer();
    client = await connectRedis(server.url);
    prefix = uniquePrefix("lost");
    backends = [0, 1].map(() => closedAfterThisTest(redisBackend({ client, prefix })));
    [here, there] = (await Promise.all(backends.map((backend) => serve({ backend })))) as [Served, Served];
    await Promise.all(backends.map(({ node }) => node.join()));
  });

  afterEach(async () => {
    client.destroy();
    await server.stop();
  });

  async function onBoth(user: string) {
    const browser = await signIn(here, user);
    const elsewhere = there.browser();
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value);
    return { browser, sockets: [await browser.webSocket("/ws"), await elsewhere.webSocket("/ws")] };
  }

  test("and all other keys, closes the connections of the sessions that are gone", async () => {
    const { sockets } = await onBoth("ada");
    const closings = Promise.all(sockets.map((ws) => closed(ws)));
    // Each new connection is looked at once by itself.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await client.flushAll();
    for (const { bus, node } of backends) await bus.renewLease(node.id, 10_000);
    expect(await here.users.deleteUserSessions("ada")).toMatchObject({
      sessionsDeleted: 0,
      connectionsClosed: 2,
    });
    expect(await closings).toEqual([ended, ended]);
  });

  test("and no other keys, ends the sessions with connections, but no later login and no other user", async () => {
    const { browser, sockets } = await onBoth("ada");
    const grace = await onBoth("grace");
    const closings = Promise.all(sockets.map((ws) => closed(ws)));
    await client.del(`${prefix}session-stack:user:ada:sessions`);
    const kept = await onBoth("ada");
    expect(await here.users.deleteUserSessions("ada", { except: sidOf(kept.browser) })).toMatchObject({
      connectionsClosed: 2,
      silentNodes: [],
    });
    expect(await closings).toEqual([ended, ended]);
    expect(await me(browser)).not.toHaveProperty("login");
    for (const each of [grace, kept]) {
      expect(await me(each.browser)).toHaveProperty("login");
      for (const ws of each.sockets) expect(ws.readyState).toBe(ws.OPEN);
    }
  });
});
